"""`POST /api/v1/admin/bootstrap`: the first identity of an organization (spec/infisical.md 3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vaultlike.builtin.organization.wire import Wire
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint


class Bootstrap(Wire):
    """What makes the first identity. The password is no account's: there are none here."""

    email: Annotated[str, Meta(min_length=3, max_length=320, pattern="^[^@ ]+@[^@ ]+$")]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]
    organization: Annotated[str, Meta(min_length=1, max_length=255)]

    def __repr__(self) -> str:
        return "Bootstrap(...)"


@endpoint("POST", "/v1/admin/bootstrap", body=Bootstrap, lenient=True)
async def bootstrap(ask: Ask, body: Bootstrap) -> object:
    """Makes the first identity, with a token: for a stranger where the configuration allows it, or by a token."""
    path = "organization/bootstrap" if ask.token else "organization/bootstrap/open"
    return await ask.core("write", path, {"email": body.email, "organization": body.organization})
