"""The check of access tokens which the emulated ARM and Graph do on every request.

Owns reading and verifying a bearer token; which refusal follows is the caller's matter.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from aiohttp import web
from msgspec import Struct

from vaultlike.testing.azure.jose import Parsed, parse, verified
from vaultlike.testing.azure.model import fold
from vaultlike.testing.azure.state import State
from vaultlike.testing.azure.tokens import issuer, resolve_audience

Problem: TypeAlias = Literal["missing", "malformed", "signature", "expired", "audience", "issuer"]


class AccessClaims(Struct, frozen=True, kw_only=True):
    """What a resource server reads of a token."""

    aud: str = ""
    iss: str = ""
    tid: str = ""
    oid: str = ""
    appid: str = ""
    azp: str = ""
    exp: float = 0.0
    nbf: float = 0.0
    roles: list[str] = []


class BadBearer(Exception):
    """The token is missing or no good."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem: Problem = problem


def caller(state: State, request: web.Request, kind: Literal["arm", "graph"]) -> AccessClaims:
    """The verified claims of a request's bearer token, meant for this kind of service. Raises BadBearer."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadBearer("missing")
    try:
        parsed = parse(token.strip(), AccessClaims)
    except ValueError as error:
        raise BadBearer("malformed") from error
    _check_signature(state, parsed)
    claims = parsed.claims
    if claims.exp <= state.now() or claims.nbf > state.now() + 300:
        raise BadBearer("expired")
    audience = resolve_audience(state, claims.aud, claims.tid)
    if audience is None or audience.kind != kind:
        raise BadBearer("audience")
    if fold(claims.iss) not in (fold(issuer(state, claims.tid, 1)), fold(issuer(state, claims.tid, 2))):
        raise BadBearer("issuer")
    return claims


def _check_signature(state: State, parsed: Parsed[AccessClaims]) -> None:
    key = state.keys.public(parsed.header.kid)
    if parsed.header.alg != "RS256" or key is None or not verified(parsed.signed, parsed.signature, key):
        raise BadBearer("signature")
