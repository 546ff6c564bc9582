"""A TLS server that publishes keys and can misbehave in every way, and the tokens that an attacker would send."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import hmac
import ipaddress
import ssl
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
DIGESTS = {"256": SHA256(), "384": SHA384(), "512": SHA512()}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key: PrivateKey, kid: str | None, **more: object) -> dict[str, object]:
    public = key.public_key()
    entry: dict[str, object] = dict(more) if kid is None else {"kid": kid, **more}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **entry}
    if isinstance(public, ec.EllipticCurvePublicKey):
        size = (public.curve.key_size + 7) // 8
        point = public.public_numbers()
        names = {256: "P-256", 384: "P-384", 521: "P-521"}
        crv = "secp256k1" if public.curve.name == "secp256k1" else names[public.curve.key_size]
        return {"kty": "EC", "crv": crv, "x": number(point.x, size), "y": number(point.y, size), **entry}
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw)), **entry}


def signature(key: PrivateKey, alg: str, message: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        digest = DIGESTS[alg[2:]]
        if alg.startswith("PS"):
            return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return key.sign(message, padding.PKCS1v15(), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(DIGESTS[alg[2:]])))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return key.sign(message)


def sealed(key: PrivateKey, header: Mapping[str, object] | bytes, payload: object) -> str:
    """A signed token; header and payload may be given as raw bytes to break them."""
    head = header if isinstance(header, bytes) else msgspec.json.encode(header)
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    message = f"{b64(head)}.{b64(body)}".encode()
    alg = "RS256" if isinstance(header, bytes) else str(header["alg"])
    return f"{message.decode()}.{b64(signature(key, alg, message))}"


def hs256(public: rsa.RSAPublicKey, kid: str, payload: object) -> str:
    """The classic: the public key's PEM as a shared secret."""
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    message = f"{b64(msgspec.json.encode({'alg': 'HS256', 'kid': kid}))}.{b64(msgspec.json.encode(payload))}"
    return f"{message}.{b64(hmac.digest(pem, message.encode(), hashlib.sha256))}"


def self_signed(folder: Path, name: str = "localhost") -> tuple[str, ssl.SSLContext]:
    """(PEM of the certificate, context of a server that presents it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names if name == "localhost" else names[:1]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    path = folder / f"{name}.pem"
    path.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return pem.decode(), context


class Issuer:
    """Serves `/jwks`, the discovery document and odd endpoints over TLS; `mode` says how `/jwks` misbehaves."""

    def __init__(self) -> None:
        self.published: list[dict[str, object]] = []
        self.mode = "good"
        self.metadata: dict[str, object] = {}
        self.fetches = 0
        self.discoveries = 0
        self.seen: web.BaseRequest | None = None
        self.body = b""
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()
        app = web.Application()
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_route("*", "/echo", self._echo)
        app.router.add_get("/endless", self._endless)
        app.router.add_get("/hang", self._hang)
        self._server = TestServer(app, host="127.0.0.1", scheme="https")

    async def start(self, context: ssl.SSLContext) -> None:
        await self._server.start_server(ssl=context)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.port}"

    async def stop(self) -> None:
        self.gate.set()
        await self._server.close()

    async def _jwks(self, request: web.Request) -> web.StreamResponse:
        self.fetches += 1
        if self.mode == "slow":
            self.waiting.set()
            await self.gate.wait()
        match self.mode:
            case "down":
                return web.Response(status=503, text="down")
            case "html":
                return web.Response(text="<html>login</html>", content_type="text/html")
            case "huge":
                return web.Response(body=b" " * 2_000_000)
            case "redirect":
                raise web.HTTPFound("/elsewhere")
            case "garbage":
                return web.Response(body=b"\xff\x00{")
            case "empty":
                return web.json_response({"keys": []})
            case "many":
                return web.json_response({"keys": [{"kty": "oct", "k": "AA"}] * 300})
            case "coded":
                return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
        return web.json_response({"keys": self.published})

    async def _discovery(self, request: web.Request) -> web.Response:
        self.discoveries += 1
        return web.json_response(self.metadata or {"issuer": self.url, "jwks_uri": self.url + "/jwks"})

    async def _echo(self, request: web.Request) -> web.Response:
        self.seen, self.body = request, await request.read()
        return web.json_response({"query": request.raw_path.partition("?")[2]})

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async def _hang(self, request: web.Request) -> web.Response:
        self.waiting.set()
        await self.gate.wait()
        return web.Response()
