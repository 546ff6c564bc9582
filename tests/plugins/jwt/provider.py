"""An OpenID provider over a real socket, and signed tokens. Small, strict where the specifications are, and steerable.

It knows one client (basic or post), insists on PKCE, redeems a code once, and consents to everything at once: a test's
"browser" only follows its redirects.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlencode

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT, SECRET = "vaultlike-client", "s:e/c r+e%t"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Signer:
    """A key pair with an id: RS256 or ES256."""

    def __init__(self, kid: str = "one", kind: str = "RSA") -> None:
        self.kid, self.alg = kid, "RS256" if kind == "RSA" else "ES256"
        self.key: Any = (
            rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def pem(self) -> str:
        public = self.key.public_key()
        return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    def jwk(self, **more: Any) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        if self.alg == "RS256":
            facts = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        else:
            facts = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big"))}
            facts["y"] = b64(numbers.y.to_bytes(32, "big"))
        return {**facts, "kid": self.kid, "use": "sig", **more}

    def sign(self, claims: dict[str, Any] | bytes, *, header: dict[str, Any] | None = None, kid: bool = False) -> str:
        head = {"alg": self.alg, "typ": "JWT", **({"kid": self.kid} if kid else {}), **(header or {})}
        body = claims if isinstance(claims, bytes) else msgspec.json.encode(claims)
        signed = f"{b64(msgspec.json.encode(head))}.{b64(body)}"
        if self.alg == "RS256":
            proof = self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        else:
            r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
            proof = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return f"{signed}.{b64(proof)}"


class Provider:
    """`claims` go into every ID token; `spoil(claims)` changes the next ones; `down` makes every endpoint a 503."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.keys = [Signer()]
        self.claims: dict[str, Any] = {"sub": "alice", "email": "alice@x.test", "groups": ["dev"]}
        self.user_info: dict[str, Any] | None = {"sub": "alice", "phone": "123"}
        self.spoil: Callable[[dict[str, Any]], None] = lambda claims: None
        self.signer: Signer | None = None  # another than the published one
        self.methods = ["client_secret_basic"]
        self.issuer_shown = ""
        self.down = False
        self.unnamed: frozenset[str] = frozenset()  # what its metadata leave out
        self.refusal = ""  # the error that the authorization endpoint sends back
        self.approved = False  # the device
        self.counts: dict[str, int] = {}
        self.seen: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._device: dict[str, str] = {}
        self._runner: web.AppRunner
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._counted(self._metadata)),
                web.get("/jwks", self._counted(self._jwks)),
                web.get("/authorize", self._counted(self._authorize)),
                web.post("/token", self._counted(self._token)),
                web.get("/userinfo", self._counted(self._user_info)),
                web.post("/device", self._counted(self._start_device)),
            ]
        )
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def config(self, **more: Any) -> dict[str, Any]:
        facts = {"oidc_discovery_url": self.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
        return {**facts, **more}

    def count(self, path: str) -> int:
        return self.counts.get(path, 0)

    def _counted(self, handler: Any) -> Any:
        async def count(request: web.Request) -> web.StreamResponse:
            self.counts[request.path] = self.counts.get(request.path, 0) + 1
            if self.down:
                return web.Response(status=503)
            answer: web.StreamResponse = await handler(request)
            return answer

        return count

    async def _metadata(self, request: web.Request) -> web.Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        names |= {"jwks_uri": "jwks", "device_authorization_endpoint": "device"}
        facts: dict[str, Any] = {name: f"{self.url}/{path}" for name, path in names.items()}
        facts["token_endpoint_auth_methods_supported"] = self.methods
        facts = {name: fact for name, fact in facts.items() if name not in self.unnamed}
        return web.json_response({"issuer": self.issuer_shown or self.url, **facts})

    async def _jwks(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.jwk() for key in self.keys]})

    async def _authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.seen = query
        if query.get("client_id") != CLIENT or "openid" not in query.get("scope", "").split():
            return web.Response(status=400)
        answer = {"state": query["state"]}
        if self.refusal:
            answer |= {"error": self.refusal, "error_description": "<script>alert(1)</script>"}
        elif query["response_type"] == "id_token":
            answer["id_token"] = self.id_token(query["nonce"])
        else:
            if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
                return web.Response(status=400, text="PKCE is required")
            answer["code"] = secrets.token_urlsafe(16)
            self._codes[answer["code"]] = query
        if query.get("response_mode") == "form_post":
            return web.json_response({"action": query["redirect_uri"], "form": answer})
        joint = "&" if "?" in query["redirect_uri"] else "?"
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}{joint}{urlencode(answer)}"})

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.seen = {**form, "authorization": request.headers.get("Authorization", "")}
        if not self._knows(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code":
            if form.get("device_code") not in self._device:
                return web.json_response({"error": "expired_token"}, status=400)
            if not self.approved:
                return web.json_response({"error": "authorization_pending"}, status=400)
            del self._device[str(form["device_code"])]
            return self._granted(None)
        query = self._codes.pop(str(form.get("code")), None)
        if query is None or query["redirect_uri"] != form.get("redirect_uri"):
            return web.json_response({"error": "invalid_grant", "error_description": "no such code"}, status=400)
        if b64(hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()) != query["code_challenge"]:
            return web.json_response({"error": "invalid_grant", "error_description": "PKCE"}, status=400)
        return self._granted(query["nonce"])

    def _granted(self, nonce: str | None) -> web.Response:
        access = secrets.token_urlsafe(16)
        half = b64(hashlib.sha256(access.encode()).digest()[:16])
        return web.json_response(
            {
                "access_token": access,
                "token_type": "Bearer",
                "refresh_token": "refresh",
                "id_token": self.id_token(nonce, at_hash=half),
            }
        )

    def _knows(self, request: web.Request, form: dict[str, Any]) -> bool:
        if "client_secret_post" in self.methods:
            return form.get("client_id") == CLIENT and form.get("client_secret") == SECRET
        header = request.headers.get("Authorization", "").removeprefix("Basic ")
        name, _, secret = base64.b64decode(header).decode().partition(":")
        return (unquote(name), unquote(secret)) == (CLIENT, SECRET) and "client_secret" not in form

    def id_token(self, nonce: str | None, **more: Any) -> str:
        now = self.now()
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **self.claims, **more}
        if nonce is not None:
            claims["nonce"] = nonce
        self.spoil(claims)
        return (self.signer or self.keys[0]).sign(claims, kid=True)

    async def _user_info(self, request: web.Request) -> web.Response:
        if self.user_info is None or not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.Response(status=401)
        return web.json_response(self.user_info)

    async def _start_device(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        if not self._knows(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        code = secrets.token_urlsafe(16)
        self._device[code] = "WDJB-MJHT"
        facts = {"device_code": code, "user_code": "WDJB-MJHT", "interval": 7, "expires_in": 600}
        return web.json_response({**facts, "verification_uri": f"{self.url}/activate"})
