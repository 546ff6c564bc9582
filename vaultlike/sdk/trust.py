"""TLS contexts for outbound calls: the system's roots, or only the given CA certificates instead of them."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Final

from vaultlike.clock import Clock
from vaultlike.errors import Invalid
from vaultlike.sdk.fetched import TlsFailed

MAX_PEM: Final = 1024 * 1024  # characters
RECHECK: Final = 30.0  # seconds between looks at whether a CA file has changed


class Trust:
    """One set of CA certificates and the TLS context made from it, lazily and off the event loop."""

    def __init__(self, clock: Clock, ca_pem: str | None = None, ca_file: str | None = None) -> None:
        """No files are read here. Raises Invalid when `ca_pem` holds no certificate."""
        self._clock = clock
        self._pem = ca_pem
        self._file = ca_file
        self._stamp: tuple[int, int] | None = None
        self._checked_at = float("-inf")
        self._context = _from_pem(ca_pem) if ca_pem is not None and ca_file is None else None

    async def context(self, where: str) -> ssl.SSLContext:
        """The context; a changed CA file is noticed within 30 s. Raises TlsFailed when the file cannot be used."""
        if self._context is not None and self._file is None:
            return self._context
        now = self._clock.monotonic()
        if self._context is None or now - self._checked_at >= RECHECK:
            try:
                await asyncio.to_thread(self._load)
            except (OSError, Invalid) as error:
                # OSError covers ssl.SSLError. A file that vanished for a moment does not end working connections.
                if self._context is None:
                    raise TlsFailed(where, f"CA file {self._file}: {type(error).__name__}") from None
            self._checked_at = now
        assert self._context is not None
        return self._context

    def _load(self) -> None:
        if self._file is None:
            self._context = ssl.create_default_context()
            return
        found = os.stat(self._file)
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp == self._stamp:
            return
        if found.st_size > MAX_PEM:
            raise Invalid("CA file too large")
        with open(self._file, encoding="ascii", errors="replace") as file:
            text = file.read(MAX_PEM)
        self._context = _from_pem(text + "\n" + (self._pem or ""))
        self._stamp = stamp


def _from_pem(text: str) -> ssl.SSLContext:
    """A client context that trusts these certificates alone. Raises Invalid."""
    if len(text) > 2 * MAX_PEM:
        raise Invalid("CA certificates are too large")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks host names and requires a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError, UnicodeEncodeError):
        raise Invalid("CA certificate is not valid PEM") from None
    if not context.cert_store_stats()["x509"]:
        raise Invalid("CA certificate is not valid PEM")
    return context
