"""Every method that identities can have. A new one is a file beside this and a line here."""

from __future__ import annotations

from typing import Any

from vaultlike.builtin.organization.methods.azure import AzureAuth
from vaultlike.builtin.organization.methods.jwt import JwtAuth
from vaultlike.builtin.organization.methods.method import Method
from vaultlike.builtin.organization.methods.oidc import OidcAuth
from vaultlike.builtin.organization.methods.token import TokenAuth
from vaultlike.builtin.organization.methods.universal import UniversalAuth

ALL: tuple[Method[Any], ...] = (
    AzureAuth(),
    OidcAuth(),
    JwtAuth(),
    UniversalAuth(),
    TokenAuth(),
)
BY_NAME = {method.name: method for method in ALL}
BY_MOUNT = {method.mount: method for method in ALL if not method.instances}
