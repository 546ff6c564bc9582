"""A listener's TLS contexts, replaceable while connections are open. Sockets are in `listener.py`."""

from __future__ import annotations

import ssl

from vaultlike.http.ciphers import VERSIONS, openssl_names
from vaultlike.http.listener import ListenerError, ListenerSettings


class ReloadableTls:
    """The context that a server was started with, handing every handshake over to the newest one.

    An asyncio server keeps its context for life; the server name callback runs in every handshake (with or without a
    name) and may put another context in its place, with its certificate, key and client CAs.
    """

    def __init__(self, settings: ListenerSettings) -> None:
        """Reads the files. Raises ListenerError."""
        self._settings = settings
        self._newest = self.context = build_context(settings)
        self.context.sni_callback = self._hand_over

    def reload(self, settings: ListenerSettings | None = None) -> None:
        """Reads the files again, or those of other settings. On ListenerError the context in use stays."""
        wanted = settings or self._settings
        self._newest = build_context(wanted)
        self._settings = wanted

    def _hand_over(self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        if self._newest is not context:
            connection.context = self._newest


def build_context(settings: ListenerSettings) -> ssl.SSLContext:
    """A server context from a listener's settings. Raises ListenerError naming the setting that cannot be used.

    Client certificates are asked for only with `tls_client_ca_file`: OpenSSL offers no way to take one unverified.
    """
    if not settings.tls_cert_file or not settings.tls_key_file:
        raise ListenerError("tls_cert_file and tls_key_file are needed unless tls_disable is set")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[settings.tls_min_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        if suites := openssl_names(settings.tls_cipher_suites):
            context.set_ciphers(suites)
    except ssl.SSLError as exc:
        raise ListenerError(f"tls_cipher_suites: {exc}") from exc
    try:
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, password=_no_password)
    except (OSError, ssl.SSLError) as exc:
        raise ListenerError(f"tls_cert_file or tls_key_file: {exc}") from exc
    _ask_for_client_certificates(context, settings)
    return context


def _ask_for_client_certificates(context: ssl.SSLContext, settings: ListenerSettings) -> None:
    required = settings.tls_require_and_verify_client_cert
    if settings.tls_disable_client_certs:
        if required:
            raise ListenerError("tls_disable_client_certs contradicts tls_require_and_verify_client_cert")
        return
    if settings.tls_client_ca_file:
        try:
            context.load_verify_locations(settings.tls_client_ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise ListenerError(f"tls_client_ca_file: {exc}") from exc
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    elif required:
        # Without a CA no certificate could ever be verified: refuse rather than accept any or none.
        raise ListenerError("tls_require_and_verify_client_cert needs tls_client_ca_file")


def _no_password() -> str:
    """An encrypted key must fail, not ask on a terminal."""
    raise ListenerError("tls_key_file is encrypted")
