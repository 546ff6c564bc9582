"""`identity/oidc/token/:role` and `identity/oidc/introspect`: signed statements about the caller's entity."""

from __future__ import annotations

from typing import Annotated

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from msgspec import Meta, Struct

from vaultlike.builtin.identity import claims
from vaultlike.builtin.identity.part import Part
from vaultlike.errors import Invalid
from vaultlike.identity import keys
from vaultlike.identity.entity import Entity
from vaultlike.identity.issuer import DEFAULT, OIDC
from vaultlike.identity.keys import NamedKey
from vaultlike.identity.roles import TokenRole
from vaultlike.policy.template import Facts
from vaultlike.sdk import Answer, Call, Raw, read, write

MAX_TOKEN = 16_384  # characters


class IntrospectFields(Struct, kw_only=True):
    """The body of an introspection."""

    token: Annotated[str, Meta(description="The identity token to judge.")] = ""
    client_id: Annotated[str, Meta(description="The audience it must have; empty: any.")] = ""


class Statement(Struct):
    """The claims that introspection judges; times in Unix seconds."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float


class _Header(Struct):
    alg: str
    kid: str


class Inactive(Exception):
    """Why a token does not count; the text is the answer's `error`."""


class TokenPaths(Part):
    """Issuing and judging identity tokens."""

    @read("oidc/token/{name}")
    async def token(self, call: Call) -> Answer:
        """Issues an identity token about the caller's entity."""
        role = await self._core.issuer.roles.find(call.name)
        if role is None:
            raise Invalid(f'role "{call.name}" not found')
        key = await self._key(role)
        if "*" not in key.allowed_client_ids and role.client_id not in key.allowed_client_ids:
            raise Invalid(
                f'the key "{role.key}" does not list the client ID of the role "{role.name}" as an allowed client ID'
            )
        assert call.caller is not None
        entity = await self._core.identity.entity(call.caller.entity_id)
        if entity is None:
            raise Invalid("no entity associated with the request's token")
        statement = await self._claims(role, entity)
        text, ttl = await self._core.issuer.sign(role.key, statement, role.ttl)
        return {"token": text, "client_id": role.client_id, "ttl": ttl}

    async def _key(self, role: TokenRole) -> NamedKey:
        issuer = self._core.issuer
        key = await issuer.find(role.key)
        if key is None and role.key == DEFAULT:
            key = (await issuer.ensure_default()).key
        if key is None:
            raise Invalid(f'key "{role.key}" not found')
        return key

    async def _claims(self, role: TokenRole, entity: Entity) -> dict[str, object]:
        facts = await self._core.facts(entity) or Facts(id=entity.id, name=entity.name)
        try:
            extra = claims.fill(role.template, facts, self._core.clock.now())
        except msgspec.DecodeError:
            raise Invalid("the role's template gives no JSON object for this entity") from None
        # the fixed claims come last: whatever a template says, it cannot say who is meant
        return {
            **extra,
            "iss": await self._core.issuer.url(OIDC),
            "sub": entity.id,
            "aud": role.client_id,
            "namespace": self._core.namespace.shown_id,
        }

    # Introspection

    @write("oidc/introspect")
    async def introspect(self, call: Call, body: IntrospectFields) -> Raw:
        """Whether an identity token counts now: signature, times, audience, and its entity."""
        answer: dict[str, object] = {"active": True}
        try:
            await self._judge(body)
        except Inactive as problem:
            answer = {"active": False, "error": str(problem)}
        return Raw(body=msgspec.json.encode(answer))

    async def _judge(self, body: IntrospectFields) -> None:
        statement = await self._verified(body.token)
        if statement.exp <= self._core.clock.now():
            raise Inactive("error validating claims: the token is expired (exp)")
        if statement.iss != await self._core.issuer.url(OIDC):
            raise Inactive(
                "error validating claims: go-jose/go-jose/jwt: validation failed, invalid issuer claim (iss)"
            )
        audience = [statement.aud] if isinstance(statement.aud, str) else statement.aud
        if body.client_id and body.client_id not in audience:
            raise Inactive(
                "error validating claims: go-jose/go-jose/jwt: validation failed, invalid audience claim (aud)"
            )
        entity = await self._core.identity.entity(statement.sub)
        if entity is None:
            raise Inactive("entity was not found")
        if entity.body.disabled:
            raise Inactive("entity is disabled")

    async def _verified(self, token: str) -> Statement:
        if token.count(".") != 2 or len(token) > MAX_TOKEN:
            raise Inactive("error parsing token: go-jose/go-jose: compact JWS format must have three parts")
        try:
            header = msgspec.convert(extract_compact(token.encode()).headers(), _Header)
        except (JoseError, msgspec.ValidationError, ValueError):
            raise Inactive("error parsing token: its header cannot be read") from None
        found = await self._core.issuer.verifier(header.kid)
        if found is None:
            raise Inactive("unable to validate the token signature")
        jwk, algorithm = found
        try:
            # one algorithm, the key's own: the token does not choose
            decoded = jwt.decode(token, keys.load(jwk), algorithms=[algorithm])
            return msgspec.convert(decoded.claims, Statement)
        except (JoseError, ValueError, msgspec.ValidationError):
            raise Inactive("unable to validate the token signature") from None
