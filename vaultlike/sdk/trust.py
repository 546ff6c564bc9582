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

    def __init__(
        self,
        clock: Clock,
        ca_pem: str | None = None,
        ca_file: str | None = None,
        identity: tuple[str, str] | None = None,
        server_name: str | None = None,
    ) -> None:
        """`identity`: files of our own certificate chain and key; `server_name`: what the other side's certificate must
        be for, instead of the host. No files are read here. Raises Invalid when `ca_pem` holds no certificate.
        """
        self.server_name = server_name
        self._identity = identity
        self._clock = clock
        self._pem = ca_pem
        self._file = ca_file
        self._stamp: tuple[tuple[int, int], ...] | None = None
        self._checked_at = float("-inf")
        self._context = _from_pem(ca_pem) if ca_pem is not None and self._files == () else None

    @property
    def _files(self) -> tuple[str, ...]:
        """Files that the context is made from, and made again from when they change."""
        return (*((self._file,) if self._file is not None else ()), *(self._identity or ()))

    async def context(self, where: str) -> ssl.SSLContext:
        """The context; a changed CA file is noticed within 30 s. Raises TlsFailed when the file cannot be used."""
        if self._context is not None and not self._files:
            return self._context
        now = self._clock.monotonic()
        if self._context is None or now - self._checked_at >= RECHECK:
            try:
                await asyncio.to_thread(self._load)
            except (OSError, Invalid) as error:
                # OSError covers ssl.SSLError. A file that vanished for a moment does not end working connections.
                if self._context is None:
                    raise TlsFailed(where, f"CA file {', '.join(self._files)}: {type(error).__name__}") from None
            self._checked_at = now
        assert self._context is not None
        return self._context

    def _load(self) -> None:
        states = [os.stat(file) for file in self._files]
        stamp = tuple((state.st_mtime_ns, state.st_size) for state in states)
        if self._context is not None and stamp == self._stamp:
            return
        if any(state.st_size > MAX_PEM for state in states):
            raise Invalid("certificate file too large")
        text = self._pem or ""
        if self._file is not None:
            with open(self._file, encoding="ascii", errors="replace") as file:
                text = file.read(MAX_PEM) + "\n" + text
        context = _from_pem(text) if text else ssl.create_default_context()
        if self._identity is not None:
            # an encrypted key must fail, not ask at the terminal of the server
            context.load_cert_chain(*self._identity, password=lambda: b"")
        self._context, self._stamp = context, stamp


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
