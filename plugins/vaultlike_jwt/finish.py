"""The end of a browser login: the provider's answer (callback), its form, and the client that polls.

The state is taken away before anything else is done with it, so an answer counts once, whatever becomes of it. Only the
direct mode keeps it, marked, until the client comes for its login.
"""

from __future__ import annotations

import hmac
import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from vaultlike.errors import Denied, Invalid, Upstream, VaultlikeError
from vaultlike.sdk import Call, Context, Login, Raw
from vaultlike.sdk.jwks import Claims
from vaultlike.types import NO_SECRET, Secret
from vaultlike_jwt import azure_groups, pages
from vaultlike_jwt.bound_claims import find_claim
from vaultlike_jwt.config import Config
from vaultlike_jwt.flows import Flow, Flows, Outcome
from vaultlike_jwt.id_token import REFUSED, check_hash, prove_id_token
from vaultlike_jwt.identity import Person
from vaultlike_jwt.key_sources import KeySources
from vaultlike_jwt.login import as_login, assertion
from vaultlike_jwt.patterns import admits
from vaultlike_jwt.provider import Provider, Refused, Tokens
from vaultlike_jwt.providers import split_groups
from vaultlike_jwt.role import Role

FAILED: Final = "OpenBao login failed."  # clients look for this text; it is the reference's
NO_STATE: Final = f"{FAILED} Expired or missing OAuth state."
NO_CODE: Final = "no_code"  # the client has none: it was in the provider's form
MAX_ANSWER: Final = 16 * 1024  # characters of a code or of an ID token in a form
ERRORS: Final = frozenset(  # RFC 6749 4.1.2.1
    (
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    )
)
_PREFIXED: Final = re.compile(r"^(OpenBao login failed\.|Token verification failed\.)")


class CallbackBody(Struct, kw_only=True):
    """What the provider sends through the browser, and the client's nonce."""

    state: Annotated[str, Meta(description="The state of auth_url.")] = ""
    code: Annotated[Secret, Meta(description="The provider's authorization code.")] = NO_SECRET
    client_nonce: Annotated[str, Meta(description="The nonce given to auth_url.")] = ""
    id_token: Annotated[Secret, Meta(description="The provider's ID token, in a posted form.")] = NO_SECRET
    error: Annotated[str, Meta(description="Why the provider refused.")] = ""
    error_description: Annotated[str, Meta(description="The same in words; only logged.")] = ""
    error_uri: Annotated[str, Meta(description="Where the provider explains it; only logged.")] = ""
    confirmation: Annotated[str, Meta(description="From the confirmation page of the direct mode.")] = ""


class PollBody(Struct, kw_only=True):
    """What a client sends that waits."""

    state: Annotated[str, Meta(description="The state of auth_url.")] = ""
    client_nonce: Annotated[str, Meta(description="The nonce given to auth_url.")] = ""


class Finisher:
    """Ends logins under one configuration."""

    def __init__(self, ctx: Context, flows: Flows, config: Config, sources: KeySources, provider: Provider) -> None:
        self._ctx, self._flows, self._config, self._provider = ctx, flows, config, provider
        assert sources.discovery is not None
        self._discovery = sources.discovery

    async def client(self, call: Call, body: CallbackBody, flow: Flow, role: Role) -> Login:
        """The client brings the provider's answer; `flow` is taken already. Raises Invalid, Denied, Upstream."""
        self._check_answer(call, body)
        check_nonce(call, flow, body.client_nonce)
        person, params, extra = await self._redeem(call, flow, role, body.code.reveal())
        return as_login(flow.role, params, person, extra)

    async def direct(self, call: Call, body: CallbackBody, flow: Flow, role: Role) -> Raw:
        """The browser brings it; the client polls for the login. Raises Invalid, with a page, whatever the reason."""
        if not role.oidc_disable_confirmation and not body.confirmation:
            return await self._ask(body, flow)
        wanted = None if role.oidc_disable_confirmation else body.confirmation
        claimed = await self._flows.claim(body.state, wanted)
        if claimed is None:
            raise pages.failed(FAILED, "Expired or missing OAuth state.")
        try:
            self._check_answer(call, body)
            person, params, extra = await self._redeem(call, claimed, role, body.code.reveal())
        except VaultlikeError as problem:
            await self._flows.take(body.state)
            self._ctx.log.warning("OIDC login refused", role=flow.role, reason=problem.reason[:512])
            text = problem.messages[0] if problem.messages and not isinstance(problem, Denied) else "permission denied"
            raise pages.failed(FAILED, _PREFIXED.sub("", text).strip(), reason=problem.reason) from None
        outcome = Outcome(person.name, person.metadata, person.groups, params.token_policies, extra)
        await self._flows.amend(body.state, outcome=outcome)
        return pages.signed_in()

    async def _ask(self, body: CallbackBody, flow: Flow) -> Raw:
        confirmation = self._flows.random(16)
        before = await self._flows.amend(body.state, confirmation=confirmation)
        if before is None or before.claimed:
            raise pages.failed(FAILED, "Expired or missing OAuth state.")
        query = {"state": body.state, "code": body.code.reveal(), "error": body.error[:64]}
        known = {name: value for name, value in query.items() if value and len(value) <= MAX_ANSWER}
        return pages.confirm(flow.requester, flow.role, {**known, "confirmation": confirmation})

    async def device(self, call: Call, state: str, flow: Flow, role: Role) -> Login:
        """Asks the provider whether the user has decided. Raises Invalid (also `authorization_pending`), Upstream."""
        try:
            tokens = await self._provider.redeem_device(flow.device_code)
        except Refused as problem:
            if problem.waiting:
                raise Invalid(problem.code) from None
            await self._flows.take(state)
            raise Invalid(f"authorization failed: {problem.code}", reason=problem.reason) from None
        if await self._flows.take(state) is None:
            raise Invalid(NO_STATE)
        person, params, extra = await self._judge(call, tokens, role, flow, nonce=None, code="")
        return as_login(flow.role, params, person, extra)

    def _check_answer(self, call: Call, body: CallbackBody) -> None:
        error = body.error.strip().lower()
        if not error:
            return
        known = error in ERRORS
        words = {"description": body.error_description[:256], "uri": body.error_uri[:256]}
        self._ctx.log.warning("the provider refused", error=error[:64], **words)
        text = error if known else "An unknown error occurred during OIDC authentication. Check server logs for details"
        call.require("provider.error", "none", error[:64], False, Invalid(f"{FAILED} {text}"))

    async def _redeem(self, call: Call, flow: Flow, role: Role, code: str) -> tuple[Person, Role, dict[str, str]]:
        call.require_address(role.token_bound_cidrs)
        code = flow.code if code == NO_CODE else code
        if len(code) > MAX_ANSWER:
            raise Invalid(f"{FAILED} The code is too long.")
        if not code:
            if not flow.id_token:
                raise Invalid(f"{FAILED} No code or id_token received.")
            return await self._judge(call, Tokens(id_token=flow.id_token), role, flow, nonce=flow.nonce, code="")
        try:
            tokens = await self._provider.redeem(code, flow.redirect_uri, flow.verifier)
        except Upstream as problem:
            call.check("provider.code", "redeemed", "refused", False)
            why = problem.code if isinstance(problem, Refused) else "the provider cannot be asked"
            raise Invalid(f'{FAILED} Error exchanging oidc code: "{why}".', reason=problem.reason) from None
        return await self._judge(call, tokens, role, flow, nonce=flow.nonce, code=code)

    async def _judge(
        self, call: Call, tokens: Tokens, role: Role, flow: Flow, *, nonce: str | None, code: str
    ) -> tuple[Person, Role, dict[str, str]]:
        config = self._config
        call.require(
            "role_type", "oidc", role.role_type, role.role_type == "oidc", Invalid(f"{FAILED} Wrong role type.")
        )
        if not tokens.id_token:
            raise Invalid(f"{REFUSED} No id_token found in response.")
        now = self._ctx.clock.now()
        claims = await prove_id_token(
            call, tokens.id_token, discovery=self._discovery, config=config, role=role, nonce=nonce, now=now
        )
        check_hash(call, claims, "at_hash", tokens.access_token, tokens.id_token)
        check_hash(call, claims, "c_hash", code, tokens.id_token)
        subject = claims.text("sub")
        if role.bound_subject:
            refusal = Invalid(f"{FAILED} sub claim does not match bound subject")
            call.require(
                "bound_subject",
                role.bound_subject,
                subject,
                admits(role.bound_claims_type, (role.bound_subject,), (subject,)),
                refusal,
            )
        claims = await self._completed(call, claims, tokens, role)
        if role.verbose_oidc_logging:
            self._ctx.log.debug("OIDC claims", role=flow.role, claims=dict(claims))
        try:
            person, params = assertion(call, flow.role, role, claims)
        except Invalid as problem:
            raise Invalid(f"{FAILED} {problem.messages[0]}", reason=problem.reason) from None
        raw = {f"oauth2_{name}": str(getattr(tokens, name)) for name in role.oauth2_metadata or ()}
        return person, params, raw

    async def _completed(self, call: Call, claims: Claims, tokens: Tokens, role: Role) -> Claims:
        """The claims with those of the user info endpoint (Core 5.3), whose `sub` must be the same, and the groups."""
        facts: dict[str, object] = dict(claims)
        if tokens.access_token:
            try:
                told = await self._provider.user_info(tokens.access_token)
                same = not told or told.get("sub") == claims["sub"]
                if call.check("userinfo.sub", claims["sub"], told.get("sub", "absent") if told else "no answer", same):
                    facts |= told
            except Upstream as problem:  # the ID token alone is proof enough
                self._ctx.log.warning("no user info", reason=problem.reason)
        return await self._with_groups(Claims(facts), tokens, role)

    async def _with_groups(self, claims: Claims, tokens: Tokens, role: Role) -> Claims:
        name, settings = role.groups_claim, self._config.provider_config
        if not name or name.startswith("/") or not settings:
            return claims
        groups = split_groups(settings, find_claim(claims, name))
        if groups is None and settings.get("provider") == "azure" and tokens.access_token:
            try:
                address = azure_groups.groups_address(claims, name)
                client = self._ctx.egress.client()
                groups = await azure_groups.fetch_groups(client, address, tokens.access_token) if address else None
            except Upstream as problem:
                text = f'{FAILED} failed to fetch groups: "{name}" claim not found in token'
                raise Invalid(text, reason=problem.reason) from None
        return Claims({**claims, name: groups}) if groups is not None else claims


def check_nonce(call: Call, flow: Flow, sent: str) -> None:
    """Whoever brings the answer must be who asked for the address, when they said a nonce then. Raises Invalid."""
    good = not flow.client_nonce or hmac.compare_digest(sent.encode(), flow.client_nonce.encode())
    call.require(
        "client_nonce", "the one of auth_url", "the same" if good else "another", good, Invalid("invalid client_nonce")
    )


def waiting_login(flow: Flow, role: Role) -> Login:
    """The login that a flow of the direct mode holds. Raises Invalid while there is none."""
    outcome = flow.outcome
    if outcome is None:
        raise Invalid("authorization_pending")
    person = Person(outcome.name, outcome.metadata, outcome.groups)
    params = msgspec.structs.replace(role, token_policies=outcome.policies)
    return as_login(flow.role, params, person, outcome.extra)
