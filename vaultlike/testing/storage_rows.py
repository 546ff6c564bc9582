"""Rows and names for the storage conformance suite."""

from __future__ import annotations

import hashlib

from vaultlike.storage.engine import (
    Engine,
    TokenRow,
)

NS = "root"
NOW = 1_767_225_600.0
ENTITY = "6f1c2a52-6f9f-4a43-8a3c-0d7a3f6f0c11"
OTHER = "7a1c2a52-6f9f-4a43-8a3c-0d7a3f6f0c22"
ALIAS = "8b1c2a52-6f9f-4a43-8a3c-0d7a3f6f0c33"


FAR = 4_000_000_000.0  # Unix seconds; only a token that expires has a lease


def token(
    name: str,
    *,
    parent: str = "",
    expires_at: float | None = FAR,
    uses_left: int | None = None,
    entity: str = "",
    path: str = "auth/azure/login",
    mount: str = "auth_azure_1",
    namespace: str = NS,
    role: str = "",
) -> TokenRow:
    """A token row whose id follows from `name`."""
    return TokenRow(
        id=token_id(name),
        parent=token_id(parent) if parent else None,
        namespace=namespace,
        mount=mount,
        path=path,
        role=role,
        entity=entity,
        expires_at=expires_at,
        uses_left=uses_left,
        sealed=b"sealed " + name.encode(),
    )


def token_id(name: str) -> bytes:
    """The id of `token(name)`."""
    return hashlib.sha256(name.encode()).digest()


async def names_left(engine: Engine, *names: str) -> set[str]:
    """Which of the tokens exist."""
    return {name for name in names if (await engine.token(token_id(name)))[1] is not None}
