"""Certificates replaced while serving, from the same files and from others."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from vaultlike.http.listener import ListenerError, ListenerSettings
from vaultlike.http.tls import ReloadableTls
from vaultlike.server.devtls import make_certificates


def _settings(folder: Path) -> ListenerSettings:
    folder.mkdir(exist_ok=True)
    files = make_certificates(str(folder), "localhost", time.time())
    return ListenerSettings(tls_cert_file=files.certificate, tls_key_file=files.key)


def _served_to(tls: ReloadableTls, ca_file: Path) -> bool:
    """Whether a client that trusts only this CA gets through a handshake."""
    client_in, client_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cafile=str(ca_file))
    client = trusting.wrap_bio(client_in, client_out, server_hostname="localhost")
    server = tls.context.wrap_bio(client_out, client_in, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.version() is not None


def test_other_files_that_cannot_be_used_change_nothing(tmp_path: Path) -> None:
    tls = ReloadableTls(_settings(tmp_path / "a"))
    with pytest.raises(ListenerError):
        tls.reload(ListenerSettings(tls_cert_file="/no", tls_key_file="/no"))
    assert _served_to(tls, tmp_path / "a" / "vaultlike-ca.pem")
    tls.reload()
    assert _served_to(tls, tmp_path / "a" / "vaultlike-ca.pem")


def test_other_files_are_taken_over(tmp_path: Path) -> None:
    tls = ReloadableTls(_settings(tmp_path / "a"))
    tls.reload(_settings(tmp_path / "b"))
    assert not _served_to(tls, tmp_path / "a" / "vaultlike-ca.pem")
    assert _served_to(tls, tmp_path / "b" / "vaultlike-ca.pem")
