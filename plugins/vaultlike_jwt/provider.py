"""Requests to an OpenID provider: the token endpoint, user info, device codes. Knows no flow and no role."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from vaultlike.errors import Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.discovery import Discovery, Metadata
from vaultlike.sdk.egress import Fetched
from vaultlike_jwt.config import Config

TIMEOUT: Final = 10.0  # seconds of one request
MAX_ANSWER: Final = 512 * 1024  # bytes
_WAITING: Final = ("authorization_pending", "slow_down")


class Tokens(Struct, frozen=True):
    """What a token endpoint granted. Holds secrets: never shown."""

    id_token: str = ""
    access_token: str = ""
    refresh_token: str = ""

    def __repr__(self) -> str:
        return "Tokens(...)"


class DeviceCode(Struct, frozen=True):
    """The answer of a device authorization endpoint (RFC 8628 3.2; some providers say url instead of uri)."""

    device_code: str
    user_code: str = ""
    verification_uri: str = ""
    verification_uri_complete: str = ""
    verification_url: str = ""
    verification_url_complete: str = ""
    interval: int = 5


class _Refused(Struct):
    error: str = ""
    error_description: str = ""


class Refused(Upstream):
    """The provider said no. `code` is OAuth's error code (RFC 6749 5.2), checked to be a short plain text."""

    def __init__(self, where: str, code: str, description: str) -> None:
        super().__init__(reason=f"{where}: {code}: {description[:256]}")
        self.code = code

    @property
    def waiting(self) -> bool:
        """Whether the user has not decided yet (RFC 8628 3.5)."""
        return self.code in _WAITING


class Provider:
    """One provider as one client sees it."""

    def __init__(self, ctx: Context, config: Config, discovery: Discovery) -> None:
        self._config, self._discovery = config, discovery
        self._client = ctx.egress.client(ca_pem=config.oidc_discovery_ca_pem or None)
        self._http = config.oidc_discovery_url.startswith("http://")

    async def metadata(self) -> Metadata:
        """Its discovery document. Raises Upstream."""
        return await self._discovery.metadata()

    async def redeem(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens of an authorization code (RFC 6749 4.1.3, RFC 7636 4.5). Raises Refused, Upstream."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if verifier:
            form["code_verifier"] = verifier
        return await self._tokens(form)

    async def redeem_device(self, device_code: str) -> Tokens:
        """The tokens of a device code (RFC 8628 3.4). Raises Refused (perhaps `waiting`), Upstream."""
        return await self._tokens(
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device_code}
        )

    async def device(self, scope: str) -> DeviceCode:
        """Begins a device login. Raises Refused, Upstream."""
        url = (await self.metadata()).device_authorization_endpoint
        if not url:
            raise Upstream("no device auth endpoint url discovered")
        answer = await self._ask(url, {"scope": scope})
        return _granted(answer).json(DeviceCode)

    async def user_info(self, access_token: str) -> dict[str, object]:
        """The user's claims (OpenID Connect Core 5.3), {} where the provider has no such endpoint. Raises Upstream."""
        url = (await self.metadata()).userinfo_endpoint
        if not url:
            return {}
        answer = await self._client.request(
            "GET",
            url,
            headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
            timeout=TIMEOUT,
            limit=MAX_ANSWER,
            allow_http=self._http,
        )
        return answer.expect(200).json(dict[str, object])

    async def _tokens(self, form: dict[str, str]) -> Tokens:
        url = (await self.metadata()).token_endpoint
        if not url:
            raise Upstream("the provider has no token endpoint")
        return _granted(await self._ask(url, form)).json(Tokens)

    async def _ask(self, url: str, form: dict[str, str]) -> Fetched:
        """A form to one of the endpoints that know us by id and secret (RFC 6749 2.3.1)."""
        config = self._config
        methods = (await self.metadata()).token_endpoint_auth_methods_supported
        headers = {"Accept": "application/json"}
        if "client_secret_basic" in methods or "client_secret_post" not in methods:
            pair = f"{quote(config.oidc_client_id, safe='')}:{quote(config.oidc_client_secret.reveal(), safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            # harmless beside the header, and the device endpoint asks for it (RFC 8628 3.1)
            form = {"client_id": config.oidc_client_id, **form}
        else:
            form = {"client_id": config.oidc_client_id, "client_secret": config.oidc_client_secret.reveal(), **form}
        return await self._client.request(
            "POST", url, headers=headers, form=form, timeout=TIMEOUT, limit=MAX_ANSWER, allow_http=self._http
        )


def _granted(answer: Fetched) -> Fetched:
    """The answer when it is a good one. Raises Refused with the provider's error code."""
    if answer.status == 200:
        return answer
    try:
        refused = msgspec.json.decode(answer.body, type=_Refused)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        refused = _Refused()
    code = refused.error if refused.error.isidentifier() and len(refused.error) <= 64 else f"status {answer.status}"
    raise Refused(answer.where, code, refused.error_description)
