"""Targets, headers, listeners, proxies and TLS."""

from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vaultlike.clock import FakeClock
from vaultlike.http.ciphers import openssl_names
from vaultlike.http.heads import Heads
from vaultlike.http.listener import ListenerError, ListenerSettings, split_address
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.http.server import HttpServer

HOST = "Host: x\r\n"
GET = f"GET /v1/get HTTP/1.1\r\n{HOST}\r\n"
LIST = f"LIST /v1/list HTTP/1.1\r\n{HOST}\r\n"


@pytest.mark.parametrize("verb", ["GET", "LIST"])
@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/a%2Fb//c%20?x=%2F&y", "/v1/a%2Fb//c%20", "x=%2F&y"),
        ("/v1/../x/./y/", "/v1/../x/./y/", ""),
        ("/v1/a?b?c", "/v1/a", "b?c"),
        ("http://other:80/v1/a%2Fb?q", "/v1/a%2Fb", "q"),
        ("//v1/a", "//v1/a", ""),
        ("/v1/a#b?c", "/v1/a#b", "c"),
    ],
)
async def test_targets_stay_as_they_were(house: Any, verb: str, target: str, path: str, query: str) -> None:
    client = await house.connect(await house.serve())
    json = (await client.ask(f"{verb} {target} HTTP/1.1\r\n{HOST}\r\n")).json
    assert (json["path"], json["query"]) == (path, query)


@pytest.mark.parametrize("target", ["x", "/\x7f", "/a b", "/é", ""])
async def test_strange_targets_are_refused(house: Any, target: str) -> None:
    client = await house.connect(await house.serve())
    assert (await client.ask(f"LIST {target} HTTP/1.1\r\n{HOST}\r\n")).status == 400


async def test_another_version_is_refused(house: Any) -> None:
    client = await house.connect(await house.serve())
    assert (await client.ask(f"GET / HTTP/2.0\r\n{HOST}\r\n")).status in (400, 505)


@pytest.mark.parametrize("verb", ["POST", "LIST"])
async def test_expect_continue(house: Any, verb: str) -> None:
    server = await house.serve(max_request_size=5)
    client = await house.connect(server)
    head = f"{verb} / HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: "
    assert (await client.ask(head + "3\r\n\r\n")).status == 100
    assert (await client.ask("abc")).json["body"] == "abc"
    assert (await client.ask(head + "6\r\n\r\n")).status == 413
    client = await house.connect(server)
    assert (await client.ask(head.replace("100-continue", "miracle") + "3\r\n\r\n")).status == 417


async def test_headers_of_every_answer(house: Any) -> None:
    async def answer(incoming: Incoming) -> Outgoing:
        return Outgoing(int(incoming.raw_path[1:]), b"{}", headers=(("X-One", "1"),))

    custom = {"default": {"X-Frame": ("deny",)}, "4xx": {"X-Frame": ("four",)}, "404": {"x-frame": ("exact", "twice")}}
    client = await house.connect(await house.serve(answer, custom_response_headers=custom))
    for status, frame in ((200, "deny"), (204, "deny"), (400, "four"), (404, "twice"), (405, "four")):
        reply = await client.ask(f"GET /{status} HTTP/1.1\r\n{HOST}\r\n")
        assert reply.status == status
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert (reply.headers["x-frame"], reply.headers["x-one"]) == (frame, "1")
        assert reply.headers["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
        assert ("content-length" in reply.headers) is (status != 204)
        assert "server" not in reply.headers


async def test_head_has_no_body(house: Any) -> None:
    client = await house.connect(await house.serve())
    await client.send(GET.replace("GET", "HEAD") + GET)
    reply = await client.reply(bodyless=True)
    assert int(reply.headers["content-length"]) > 0
    assert (await client.reply()).json["method"] == "GET"


@pytest.mark.parametrize(
    "headers",
    [{"6xx": {}}, {"default": {"X A": ("b",)}}, {"default": {"A": ("b\r\nc",)}}, {"default": {"Content-Type": ("x",)}},
     {"200": {"X-Vault-A": ("b",)}}],
)  # fmt: skip
def test_custom_headers_that_cannot_be_sent_are_refused(headers: Any) -> None:
    with pytest.raises(ListenerError, match="custom_response_headers"):
        Heads(ListenerSettings(custom_response_headers=headers))


@pytest.mark.parametrize(
    ("settings", "header", "expected"),
    [
        ({"x_forwarded_for_authorized_addrs": ()}, "1.2.3.4", "127.0.0.1"),
        ({}, None, 400),
        ({"x_forwarded_for_reject_not_present": False}, None, "127.0.0.1"),
        ({"x_forwarded_for_authorized_addrs": ("10.0.0.0/8",)}, "1.2.3.4", 400),
        ({"x_forwarded_for_authorized_addrs": ("10.0.0.0/8",), "x_forwarded_for_reject_not_authorized": False},
         "1.2.3.4", "127.0.0.1"),
        ({}, "nonsense", 400),
        ({}, "", 400),
        ({}, "1.2.3.4, ", 400),
        ({}, ", ".join(["1.2.3.4"] * 100), 400),
        ({"x_forwarded_for_hop_skips": 1}, "1.2.3.4", 400),
        ({}, "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        ({}, "1.2.3.4:5678", "1.2.3.4"),
        ({}, "[2001:db8::1]:44", "2001:db8::1"),
        ({}, "2001:DB8::1", "2001:db8::1"),
        ({"x_forwarded_for_hop_skips": 1}, "9.9.9.9, 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8", "1.2.3.4"),
    ],
)  # fmt: skip
async def test_forwarded_for(house: Any, settings: dict[str, Any], header: str | None, expected: str | int) -> None:
    server = await house.serve(**{"x_forwarded_for_authorized_addrs": ("127.0.0.0/8",), **settings})
    client = await house.connect(server)
    line = "" if header is None else f"X-Forwarded-For: {header}\r\n"
    reply = await client.ask(f"GET / HTTP/1.1\r\n{HOST}{line}\r\n")
    assert (reply.status if isinstance(expected, int) else reply.json["remote"]) == expected


async def test_a_unix_socket(house: Any, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("no socket")
    with pytest.raises(ListenerError):
        await house.serve(type="unix", address=str(path))
    path.unlink()
    await house.serve(type="unix", address=str(path))
    server = await house.serve(
        type="unix", address=str(path), socket_mode="660", x_forwarded_for_authorized_addrs=("unix",)
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    client = await house.connect(server)
    assert (await client.ask(LIST.replace("\r\n\r\n", "\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"))).json[
        "remote"
    ] == "1.2.3.4"


@pytest.mark.parametrize("address", ["x", "x:", ":x", "::1:80", "x:70000"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ListenerError):
        split_address(address)


@pytest.mark.parametrize(
    "settings",
    [{"address": "256.0.0.1:0"}, {"max_request_duration": 0.0}, {"x_forwarded_for_authorized_addrs": ("x",)},
     {"tls_disable": False}, {"tls_disable": False, "tls_cert_file": "/none", "tls_key_file": "/none"}],
)  # fmt: skip
async def test_listeners_that_cannot_be(house: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ListenerError):
        await house.serve(**settings)


async def test_two_listeners_share_a_handler(house: Any) -> None:
    server = HttpServer(FakeClock())
    from tests.unit.http.conftest import echo

    await server.start(echo, [ListenerSettings(address="127.0.0.1:0", tls_disable=True)] * 2)
    house.servers.append(server)
    assert len(server.addresses) == 2


def test_cipher_names() -> None:
    names = (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_AES_128_GCM_SHA256,X"
    )
    assert openssl_names(names) == "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:X"


class Authority:
    """A CA and what it signs, in files."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = str(self._write(name, self._sign(name, self.key, ca=True)))

    def issue(self, name: str, file: str) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{file}.key").write_bytes(secret)
        return str(self._write(file, self._sign(name, key))), str(self.folder / f"{file}.key")

    def _write(self, file: str, certificate: x509.Certificate) -> Path:
        path = self.folder / f"{file}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, self.name))
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - day)
        builder = builder.not_valid_after(now + day).add_extension(x509.BasicConstraints(ca, None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def trusting(authority: Authority, identity: tuple[str, str] | None = None) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=authority.file)
    if identity:
        context.load_cert_chain(*identity)
    return {"ssl": context, "server_hostname": "server"}


async def test_tls_with_optional_client_certificates_and_reload(house: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    other = Authority(tmp_path, "other")
    cert, key = authority.issue("server", "server")
    (tmp_path / "clients.pem").write_text(Path(authority.file).read_text())
    server = await house.serve(
        tls_disable=False, tls_cert_file=cert, tls_key_file=key, tls_client_ca_file=str(tmp_path / "clients.pem")
    )
    first = await house.connect(server, **trusting(authority))
    for request in (LIST, GET, LIST):
        json = (await first.ask(request)).json
        assert (json["method"], json["secure"], json["cert"]) == (request.split()[0], True, False)
    known = await house.connect(server, **trusting(authority, authority.issue("client", "client")))
    assert (await known.ask(LIST)).json["cert"] is True

    Path(cert).write_text("broken")
    with pytest.raises(ListenerError):
        server.reload_tls()
    assert (await (await house.connect(server, **trusting(authority))).ask(GET)).status == 200

    other.issue("server", "server")
    (tmp_path / "clients.pem").write_text(Path(other.file).read_text())
    server.reload_tls()
    assert (await first.ask(LIST)).status == 200
    with pytest.raises(ssl.SSLError):
        await house.connect(server, **trusting(authority))
    renewed = await house.connect(server, **trusting(other, other.issue("client", "client2")))
    assert (await renewed.ask(GET)).json["cert"] is True
    with pytest.raises((OSError, EOFError)):
        await (await house.connect(server, **trusting(other, authority.issue("client", "client")))).ask(GET)


async def test_tls_refusals(house: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    cert, key = authority.issue("server", "server")
    files = {"tls_disable": False, "tls_cert_file": cert, "tls_key_file": key}
    server = await house.serve(**files, tls_client_ca_file=authority.file, tls_require_and_verify_client_cert=True)
    with pytest.raises((OSError, EOFError)):
        await (await house.connect(server, **trusting(authority))).ask(GET)
    old = trusting(authority)
    old["ssl"].maximum_version = ssl.TLSVersion.TLSv1_2
    server = await house.serve(**files, tls_min_version="tls13")
    with pytest.raises(OSError):
        await house.connect(server, **old)
    for bad in (
        {"tls_require_and_verify_client_cert": True},
        {"tls_client_ca_file": "/none"},
        {"tls_cipher_suites": "NOTHING"},
        {"tls_require_and_verify_client_cert": True, "tls_disable_client_certs": True, "tls_client_ca_file": cert},
    ):
        with pytest.raises(ListenerError, match="tls_"):
            await house.serve(**files, **bad)
