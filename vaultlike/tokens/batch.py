"""Batch tokens: the whole token, sealed, as its own text. Nothing is stored, so nothing can be revoked one by one."""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

import msgspec
from msgspec import Struct

from vaultlike.storage.engine import TokenRow
from vaultlike.tokens.entry import Token, TokenEntry
from vaultlike.tokens.ids import BATCH


class _Keys(Protocol):
    def seal(self, context: bytes, plaintext: bytes) -> bytes: ...
    def open(self, context: bytes, sealed: bytes) -> bytes: ...
    def token_hmac(self, value: str) -> bytes: ...


class _Body(Struct, array_like=True, gc=False):
    namespace: str
    path: str
    mount: str
    role: str
    entity: str
    parent: bytes | None
    expires_at: float
    entry: TokenEntry


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Body).decode


def _text(sealed: bytes, namespace: str) -> str:
    text = BATCH + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    return f"{text}.{namespace}" if namespace else text


class BatchTokens:
    """Makes and opens batch tokens with the barrier's keys."""

    def __init__(self, keys: _Keys) -> None:
        self._keys = keys

    def issue(self, row: TokenRow, entry: TokenEntry) -> Token:
        """The token whose text carries `row` and `entry`."""
        body = _Body(row.namespace, row.path, row.mount, row.role, row.entity, row.parent, row.expires_at or 0.0, entry)
        sealed = self._keys.seal(b"batch token", _encode(body))
        text = _text(sealed, row.namespace)
        return Token(msgspec.structs.replace(row, id=self._keys.token_hmac(text)), entry, text)

    def open(self, text: str) -> Token | None:
        """The token of a text, whether expired or not; None for anything that this server did not make."""
        raw, _, namespace = text[len(BATCH) :].partition(".")
        try:
            sealed = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
            if _text(sealed, namespace) != text:  # one token, one text
                return None
            body = _decode(self._keys.open(b"batch token", sealed))
            if body.namespace != namespace:
                return None
        except (ValueError, binascii.Error, msgspec.DecodeError):
            return None
        except Exception as problem:  # the barrier's own error for a foreign or altered text
            if type(problem).__module__.startswith("vaultlike."):
                return None
            raise
        row = TokenRow(
            id=self._keys.token_hmac(text),
            namespace=body.namespace,
            path=body.path,
            sealed=b"",
            parent=body.parent,
            mount=body.mount,
            role=body.role,
            entity=body.entity,
            expires_at=body.expires_at,
        )
        return Token(row, body.entry, text)
