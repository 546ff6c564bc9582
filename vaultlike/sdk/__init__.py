"""All that a plugin may import, with `vaultlike.errors` and `vaultlike.types`. Semver by `Backend.api`."""

from __future__ import annotations

from vaultlike.clock import rfc3339
from vaultlike.sdk.bounds import Bound, bounds_of, enforce, narrows
from vaultlike.sdk.call import Answer, AuthInfo, Call, Caller, Check, Raw, Reply, WrapInfo
from vaultlike.sdk.context import Context, Storage, System
from vaultlike.sdk.gauge import Gauge
from vaultlike.sdk.login import Alias, Login, Renewal, TokenParams
from vaultlike.sdk.networks import admits, is_network, within
from vaultlike.sdk.paging import Paging
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
    "Gauge",
    "Login",
    "Paging",
    "Raw",
    "Renewal",
    "Reply",
    "Singleton",
    "Storage",
    "System",
    "TokenParams",
    "WrapInfo",
    "admits",
    "bounds_of",
    "delete",
    "enforce",
    "is_network",
    "list_",
    "login",
    "narrows",
    "patch",
    "read",
    "rfc3339",
    "within",
    "write",
]
