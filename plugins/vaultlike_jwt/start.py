"""`oidc/auth_url`: where to send the user's browser, and what is remembered until the provider answers."""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Invalid, Upstream
from vaultlike.sdk import Call, Context
from vaultlike.types import LowerText
from vaultlike_jwt.config import Config
from vaultlike_jwt.flows import LIFE, Flow, Flows
from vaultlike_jwt.pages import with_query
from vaultlike_jwt.provider import Provider
from vaultlike_jwt.redirects import allowed, without_namespace
from vaultlike_jwt.role import Role

MAX_NONCE: Final = 512  # characters of a client's nonce
POLL: Final = 5  # seconds, where neither role nor provider says


class StartBody(Struct, kw_only=True):
    """What a client sends."""

    role: Annotated[LowerText, Meta(description="Name of the role; empty is the mount's default role.")] = ""
    redirect_uri: Annotated[str, Meta(description="Where the provider shall send the browser.")] = ""
    client_nonce: Annotated[str, Meta(description="Binds the login to this client; it must come back.")] = ""


class Started(Struct, omit_defaults=True):
    """What the client is told. An empty address says no more than that it cannot be."""

    auth_url: str = ""
    user_code: str = ""
    state: str = ""
    poll_interval: str = ""

    def shown(self) -> dict[str, object]:
        """The data of the answer."""
        facts = {"user_code": self.user_code, "state": self.state, "poll_interval": self.poll_interval}
        return {"auth_url": self.auth_url, **{name: text for name, text in facts.items() if text}}


class Starter:
    """Begins logins of one mount."""

    def __init__(self, ctx: Context, flows: Flows) -> None:
        self._ctx, self._flows = ctx, flows

    async def start(self, call: Call, body: StartBody, name: str, role: Role, config: Config, to: Provider) -> Started:
        """The address to visit. Raises Invalid for what the client must mend; else an empty address and a log line."""
        if len(body.client_nonce) > MAX_NONCE:
            raise Invalid("client_nonce is too long")
        if role.callback_mode != "client" and not body.client_nonce:
            raise Invalid("missing client_nonce")
        if not call.check("role_type", "oidc", role.role_type, role.role_type == "oidc"):
            return self._refused(name, "the role is not for the browser flow")
        flow = Flow(
            role=name,
            mode=role.callback_mode,
            ends_at=self._ctx.clock.now() + LIFE,
            nonce=self._flows.random(),
            client_nonce=body.client_nonce,
            requester=call.remote,
        )
        try:
            if role.callback_mode == "device":
                return await self._device(flow, role, to)
            if not body.redirect_uri:
                raise Invalid("missing redirect_uri")
            return await self._browser(call, flow, body.redirect_uri, role, config, to)
        except Upstream as problem:
            return self._refused(name, problem.reason)

    def _refused(self, role: str, reason: str) -> Started:
        self._ctx.log.warning("no OIDC address", role=role, reason=reason[:512])
        return Started()

    async def _browser(self, call: Call, flow: Flow, uri: str, role: Role, config: Config, to: Provider) -> Started:
        namespace = ""
        if config.namespace_in_state:
            uri, namespace = without_namespace(uri)
        known = role.allowed_redirect_uris or ()
        if not call.check("allowed_redirect_uris", list(known), uri[:512], allowed(uri, known)):
            return self._refused(flow.role, f"redirect_uri {uri[:256]!r} is not one of the role's")
        form_post = config.oidc_response_mode == "form_post"
        if form_post:
            uri = uri.replace("ui/vault", "v1", 1)  # the form must come here, not to a web interface
        endpoint = (await to.metadata()).authorization_endpoint
        if not endpoint:  # the reference still answers the query alone, and clients read the client id from it
            self._ctx.log.warning("the provider has no authorization endpoint", role=flow.role)
        implicit = config.answers("id_token")
        verifier = "" if implicit else self._flows.random()
        flow = msgspec.structs.replace(flow, redirect_uri=uri, verifier=verifier)
        state = await self._flows.begin(flow)
        query = {
            "client_id": config.oidc_client_id,
            "nonce": flow.nonce,
            "redirect_uri": uri,
            "response_type": "id_token" if implicit else "code",
            "scope": scope(role),
            "state": f"{state},ns={namespace}" if namespace else state,
        }
        if verifier:
            query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        if role.max_age:
            query["max_age"] = str(role.max_age)
        if form_post:
            query["response_mode"] = "form_post"
        address = with_query(endpoint, sorted(query.items()))
        if role.callback_mode != "direct":
            return Started(address)
        return Started(address, state=state, poll_interval=str(role.poll_interval or POLL))

    async def _device(self, flow: Flow, role: Role, to: Provider) -> Started:
        given = await to.device(scope(role))
        flow = msgspec.structs.replace(flow, device_code=given.device_code)
        complete = given.verification_uri_complete or given.verification_url_complete
        address = complete or given.verification_uri or given.verification_url
        if not address.startswith(("https://", "http://")):
            return self._refused(flow.role, "the provider's verification address is no URL")
        return Started(
            address,
            user_code="" if complete else given.user_code,
            state=await self._flows.begin(flow),
            poll_interval=str(role.poll_interval or given.interval or POLL),
        )


def scope(role: Role) -> str:
    """`openid` first, then the role's."""
    return " ".join(dict.fromkeys(("openid", *(role.oidc_scopes or ()))))


def challenge(verifier: str) -> str:
    """PKCE's S256 (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
