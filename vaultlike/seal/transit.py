"""Owns the transit seal: the transit engine of another Vault or OpenBao wraps the key that wraps the root key.

The other server never sees the root key: it encrypts a key made for this one wrap, which encrypts the root key here.
Its token needs `update` on `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`, and is renewed while this server runs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from structlog.typing import FilteringBoundLogger

from vaultlike.errors import Invalid
from vaultlike.sdk.egress import EgressClient, EgressError, Fetched
from vaultlike.seal.envelope import NotOpened, unwrap, wrap
from vaultlike.seal.key import KEY_BYTES, Key, Random, new_key
from vaultlike.seal.records import Wrap
from vaultlike.seal.sealtype import NEVER, KeyServiceFailed, root_context
from vaultlike.types import Secret

SETTINGS = frozenset(
    {
        "address", "token", "key_name", "mount_path", "namespace", "disable_renewal", "tls_ca_cert",
        "tls_client_cert", "tls_client_key", "tls_server_name",
    }
)  # fmt: skip
T = TypeVar("T")
TIMEOUT = 15.0  # seconds for one call
_LIMIT = 64 * 1024  # bytes of an answer
_SOONEST, _LATEST = 5.0, 86_400.0  # seconds between renewals
_AFTER_FAILURE, _AFTER_REFUSAL = 30.0, 300.0  # seconds
_DOWN = frozenset((408, 429, 472, 473, 500, 502, 503, 504))
_CONTEXT = root_context("transit", "")


class TransitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A checked stanza. Paths are URL-encoded and have no slashes around them."""

    address: str
    token: Secret
    key_name: str
    mount_path: str = "transit"
    namespace: str = ""
    renewal: bool = True
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    server_name: str = ""

    @classmethod
    def parse(cls, settings: Mapping[str, str]) -> TransitSettings:
        """Raises Invalid; no text repeats the token."""
        for needed in ("address", "token", "key_name"):
            if not settings.get(needed):
                raise Invalid(f'seal "transit" needs {needed}')
        address, token = settings["address"].rstrip("/"), settings["token"]
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise Invalid('seal "transit": address must be like "https://host:8200"')
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Invalid('seal "transit": token holds characters that no token has')
        if bool(settings.get("tls_client_cert")) != bool(settings.get("tls_client_key")):
            raise Invalid('seal "transit": tls_client_cert and tls_client_key go together')
        key_name, mount = settings["key_name"], settings.get("mount_path", "transit").strip("/")
        if "/" in key_name or not mount:
            raise Invalid('seal "transit": key_name is one name, mount_path the path of a mount')
        return cls(
            address=address,
            token=Secret(token),
            key_name=quote(key_name, safe=""),
            mount_path=quote(mount, safe="/"),
            namespace=settings.get("namespace", "").strip("/"),
            renewal=settings.get("disable_renewal", "false").lower() not in ("true", "1", "t"),
            ca_file=settings.get("tls_ca_cert", ""),
            client_certificate=settings.get("tls_client_cert", ""),
            client_key=settings.get("tls_client_key", ""),
            server_name=settings.get("tls_server_name", ""),
        )


class _Encrypted(msgspec.Struct):
    ciphertext: str
    key_version: int = 0


class _Decrypted(msgspec.Struct):
    plaintext: str


class _Lease(msgspec.Struct):
    lease_duration: int = 0
    renewable: bool = False


class _Answer(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    auth: _Lease | None = None
    errors: list[str] = []


class _Wrapped(msgspec.Struct, frozen=True):
    """What is stored: a key as the other server encrypted it, and the root key under that key."""

    key: str
    root: bytes


class Transit:
    """One transit key of one other server. Does no I/O until it is asked for something."""

    kind = "transit"

    def __init__(
        self,
        name: str,
        settings: TransitSettings,
        client: EgressClient,
        random: Random,
        log: FilteringBoundLogger,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self._settings, self._client, self._random, self._log = settings, client, random, log
        self._timeout = timeout
        self._renewing = settings.renewal
        self._told = False

    async def wrap(self, root: Key) -> Wrap:
        key = new_key(self._random)
        try:
            encrypted = await self._encrypt(key)
            sealed = _Wrapped(encrypted.ciphertext, wrap(key, _CONTEXT, root.reveal(), self._random))
        finally:
            key.wipe()
        return Wrap(self.kind, str(_version(encrypted)), msgspec.json.encode(sealed), self.name)

    async def unwrap(self, wraps: Sequence[Wrap]) -> Key:
        mine = sorted((each for each in wraps if each.kind == self.kind), key=lambda each: each.name != self.name)
        if not mine:
            raise NotOpened(reason=f'seal "{self.name}": the root key is not wrapped by a transit key')
        problem: KeyServiceFailed | None = None
        for each in mine:
            try:
                return await self._unwrap(each)
            except KeyServiceFailed as failed:
                problem = problem or failed
        assert problem is not None
        raise problem

    async def _unwrap(self, each: Wrap) -> Key:
        try:
            sealed = msgspec.json.decode(each.sealed, type=_Wrapped)
        except msgspec.DecodeError:
            raise NotOpened(reason=f'seal "{self.name}": the wrapped root key cannot be read') from None
        data = await self._work("decrypt", {"ciphertext": sealed.key}, _Decrypted)
        try:
            raw = base64.b64decode(data.plaintext, validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) != KEY_BYTES:
            raise KeyServiceFailed(self.name, "the key service answered with something that is no key")
        key = Key(raw)
        try:
            return Key(unwrap(key, _CONTEXT, sealed.root))
        finally:
            key.wipe()

    async def current(self, wrap: Wrap) -> bool:
        probe = new_key(self._random)
        return wrap.name == self.name and wrap.key_id == str(_version(await self._encrypt(probe)))

    async def tend(self) -> float:
        """Renews the token when half of its time is over."""
        if not self._renewing:
            return NEVER
        try:
            fetched = await self._send("auth/token/renew-self", {})
        except EgressError as problem:
            self._log.warning("seal token not renewed", seal=self.name, problem=problem.reason)
            return _AFTER_FAILURE
        if fetched.status in _DOWN:
            self._log.warning("seal token not renewed", seal=self.name, status=fetched.status)
            return _AFTER_FAILURE
        lease = _decoded(fetched).auth
        if fetched.status != 200 or lease is None:
            if not self._told:  # it stays so until somebody gives the token more time, or the server another token
                said = "; ".join(text[:200] for text in _decoded(fetched).errors[:3])
                text = "seal token not renewed: once it has ended, this server will not unseal by itself any more"
                self._log.error(text, seal=self.name, status=fetched.status, problem=said)
            self._told = True
            return _AFTER_REFUSAL
        self._told = False
        if not lease.renewable or lease.lease_duration <= 0:
            self._renewing = False
            return NEVER
        return min(max(lease.lease_duration / 2, _SOONEST), _LATEST)

    async def _encrypt(self, key: Key) -> _Encrypted:
        plaintext = base64.b64encode(key.reveal()).decode()
        encrypted = await self._work("encrypt", {"plaintext": plaintext}, _Encrypted)
        if not encrypted.ciphertext:
            raise KeyServiceFailed(self.name, "the key service answered without a ciphertext")
        return encrypted

    async def _work(self, verb: str, body: Mapping[str, str], shape: type[T]) -> T:
        """`shape` of the answer's data. Raises KeyServiceFailed, which says what an operator has to look at."""
        settings = self._settings
        try:
            fetched = await self._send(f"{settings.mount_path}/{verb}/{settings.key_name}", body)
        except EgressError as problem:
            raise KeyServiceFailed(self.name, "the key service does not answer", problem.reason) from None
        answer = _decoded(fetched)
        if fetched.status != 200:
            said = "; ".join(text[:200] for text in answer.errors[:3]) or "no text"
            reason = f"{fetched.where} answered {fetched.status}: {said}"
            if fetched.status in _DOWN:
                raise KeyServiceFailed(self.name, "the key service is not available", reason)
            if fetched.status == 403:
                raise KeyServiceFailed(self.name, "the key service refuses the token", reason)
            raise KeyServiceFailed(self.name, f"the key service refuses to {verb}", reason)
        try:
            return msgspec.json.decode(answer.data, type=shape)
        except msgspec.DecodeError:
            reason = f"{fetched.where}: not the answer of a transit engine"
            raise KeyServiceFailed(self.name, "the key service's answer cannot be read", reason) from None

    async def _send(self, path: str, body: Mapping[str, str]) -> Fetched:
        settings = self._settings
        headers = {"X-Vault-Token": settings.token.reveal(), "X-Vault-Request": "true"}
        if settings.namespace:
            headers["X-Vault-Namespace"] = settings.namespace
        return await self._client.request(
            "PUT", f"{settings.address}/v1/{path}", headers=headers, json=body, timeout=self._timeout, limit=_LIMIT,
            allow_http=True,
        )  # fmt: skip


def _decoded(fetched: Fetched) -> _Answer:
    """The envelope; an empty one for whatever is none (a proxy's HTML page)."""
    try:
        return msgspec.json.decode(fetched.body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Answer()


def _version(encrypted: _Encrypted) -> int:
    """The key version: told, or read from `vault:v3:...` where an older server does not tell it."""
    digits = encrypted.ciphertext.partition(":v")[2].partition(":")[0]
    return encrypted.key_version or (int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0)
