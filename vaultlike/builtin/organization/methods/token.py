"""token-auth: access tokens that are minted for an identity rather than logged in for (spec/infisical.md 2). There is
no plugin and no login: the tokens are the organization's own mount's. Minting is in `minting.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vaultlike.builtin.organization.methods.access import AccessFields
from vaultlike.builtin.organization.methods.method import Method, Step
from vaultlike.builtin.organization.places import ORGANIZATION


class TokenAuth(Method[AccessFields]):
    """Minted tokens."""

    name = "token-auth"
    title = "token auth"
    plugin = ""
    instances = False
    fields = AccessFields

    def steps(self, identity: str, fields: AccessFields) -> Sequence[Step]:
        """Nothing."""
        return ()

    def removal(self, identity: str) -> Sequence[Step]:
        """Nothing."""
        return ()

    @property
    def mount(self) -> str:
        """The organization's own."""
        return ORGANIZATION
