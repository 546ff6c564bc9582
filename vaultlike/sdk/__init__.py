"""All that a plugin may import, with `vaultlike.errors` and `vaultlike.types`. Semver by `Backend.api`."""

from __future__ import annotations

from vaultlike.sdk.bounds import Bound, bounds_of, enforce, narrows
from vaultlike.sdk.call import Answer, AuthInfo, Call, Caller, Check, Raw, Reply, WrapInfo
from vaultlike.sdk.context import Context, Storage, System
from vaultlike.sdk.login import Alias, Login, Renewal, TokenParams
from vaultlike.sdk.resources import Backend, Collection, Singleton
from vaultlike.sdk.routes import delete, list_, login, patch, read, write

__all__ = [
    "Alias",
    "Answer",
    "AuthInfo",
    "Backend",
    "Bound",
    "Call",
    "Caller",
    "Check",
    "Collection",
    "Context",
    "Login",
    "Raw",
    "Renewal",
    "Reply",
    "Singleton",
    "Storage",
    "System",
    "TokenParams",
    "WrapInfo",
    "bounds_of",
    "delete",
    "enforce",
    "list_",
    "login",
    "narrows",
    "patch",
    "read",
    "write",
]
