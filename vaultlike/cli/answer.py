"""A server's answer, parsed once: status, envelope fields, raw bytes (spec/vault-api.md 1.6)."""

from __future__ import annotations

import json

from vaultlike.cli.shapes import Json, as_int, as_list, as_map, as_text, as_texts

_SHOWN = ("request_id", "lease_id", "lease_duration", "renewable", "data", "warnings")


class Answer:
    """Status and body of a response below 400, or of a 404 that the caller asked to see."""

    def __init__(self, status: int, raw: bytes, request_id: str = "") -> None:
        self.status = status
        self.raw = raw
        self.body: Json = _parsed(raw)
        self.request_id = as_text(self.body.get("request_id")) or request_id
        data = self.body.get("data")
        self.data: Json | None = data if isinstance(data, dict) else None
        self.auth: Json = as_map(self.body.get("auth"))
        self.wrap_info: Json = as_map(self.body.get("wrap_info"))
        self.warnings: list[str] = as_texts(self.body.get("warnings"))
        self.errors: tuple[str, ...] = tuple(as_texts(self.body.get("errors")))
        self.lease_id = as_text(self.body.get("lease_id"))
        self.lease_duration = as_int(self.body.get("lease_duration"))
        self.renewable = self.body.get("renewable") is True

    @property
    def empty(self) -> bool:
        """Nothing to show: a 204, or a 404 without data and warnings (a soft-deleted secret is a 404 with data)."""
        return not (self.data or self.auth or self.wrap_info or self.warnings or self.lease_id or self._bare())

    @property
    def content(self) -> Json:
        """`data` where there is an envelope, the body itself of a bare endpoint (spec/vault-api.md 1.6)."""
        return self.data if self.data is not None else ({} if self._enveloped() else self.body)

    @property
    def keys(self) -> list[str]:
        """The names of a list answer."""
        return [str(key) for key in as_list((self.data or {}).get("keys"))]

    def envelope(self) -> Json:
        """The fields that `-format=json` shows, in their usual order; a bare body as it is."""
        if not self._enveloped():
            return self.body
        shown = {key: self.body.get(key) for key in _SHOWN}
        for key in ("auth", "wrap_info"):
            if self.body.get(key):
                shown[key] = self.body[key]
        if self.body.get("mount_type"):
            shown["mount_type"] = self.body["mount_type"]
        return shown

    def _enveloped(self) -> bool:
        return "request_id" in self.body and "lease_id" in self.body

    def _bare(self) -> bool:
        return bool(self.body) and not self._enveloped() and self.status < 300


def _parsed(raw: bytes) -> Json:
    try:
        return as_map(json.loads(raw)) if raw else {}
    except (ValueError, RecursionError):
        return {}
