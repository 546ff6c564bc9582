"""Every method that identities can have. A new one is a file beside this and a line here."""

from __future__ import annotations

from typing import Any

from vaultlike.builtin.organization.methods.azure import AzureAuth
from vaultlike.builtin.organization.methods.jwt import JwtAuth
from vaultlike.builtin.organization.methods.method import Method
from vaultlike.builtin.organization.methods.oidc import OidcAuth

ALL: tuple[Method[Any], ...] = (
    AzureAuth(),
    OidcAuth(),
    JwtAuth(),
)
BY_NAME = {method.name: method for method in ALL}
