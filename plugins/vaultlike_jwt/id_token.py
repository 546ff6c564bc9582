"""The judgement on an ID token of the browser flow (OpenID Connect Core 3.1.3.7, 3.2.2.11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from vaultlike.errors import Invalid
from vaultlike.sdk import Call
from vaultlike.sdk.discovery import Discovery
from vaultlike.sdk.jwks import Claims, JwtProblem, Leeway, decode_unverified, verify
from vaultlike_jwt.bound_claims import as_list, shorten
from vaultlike_jwt.config import Config
from vaultlike_jwt.patterns import admits
from vaultlike_jwt.role import Role

REFUSED: Final = "Token verification failed."
LEEWAY: Final = Leeway(exp=0.0, nbf=60.0, iat=60.0)
AGE_LEEWAY: Final = 60.0  # seconds, for auth_time


async def prove_id_token(
    call: Call, token: str, *, discovery: Discovery, config: Config, role: Role, nonce: str | None, now: float
) -> Claims:
    """The claims of an ID token for this client. `nonce` None: the flow has none (device). Raises Invalid, Upstream."""
    issuer = (await discovery.metadata()).issuer
    try:
        claims = await verify(
            token,
            keys=discovery,
            issuers=(issuer,),
            audiences=None,
            algorithms=config.jwt_supported_algs or ("RS256",),
            now=now,
            leeway=LEEWAY,
            required=("sub", "aud", "iat"),
            check=call.check,
        )
    except JwtProblem as problem:
        raise Invalid(f"{REFUSED} {problem.code.replace('_', ' ')}", reason=problem.reason) from None
    subject, named = claims["sub"], as_list(claims["aud"]) or []
    _require(call, "sub", "a text", shorten(subject), isinstance(subject, str) and bool(subject), "no subject")
    _check_audience(call, config, role, claims, tuple(name for name in named if isinstance(name, str)))
    if nonce is not None:
        good = isinstance(claims.get("nonce"), str) and hmac.compare_digest(
            str(claims["nonce"]).encode(), nonce.encode()
        )
        _require(call, "nonce", "the one of this login", "the same" if good else "another", good, "invalid nonce")
    if role.max_age:
        at = claims.get("auth_time")
        fresh = isinstance(at, (int, float)) and not isinstance(at, bool) and now <= at + role.max_age + AGE_LEEWAY
        _require(call, "auth_time", f"at most {role.max_age} s ago", shorten(at), fresh, "the user must sign in again")
    return Claims({name: value for name, value in claims.items() if name != "nonce"})


def _check_audience(call: Call, config: Config, role: Role, claims: Claims, audiences: tuple[str, ...]) -> None:
    if role.bound_audiences:
        fits = admits(role.bound_claims_type, role.bound_audiences, audiences)
        _require(call, "bound_audiences", list(role.bound_audiences), list(audiences[:16]), fits, "invalid audience")
        return
    client = config.oidc_client_id
    _require(call, "aud", client, list(audiences[:16]), client in audiences, "invalid audience")
    if len(audiences) > 1:
        party = claims.get("azp")
        _require(call, "azp", client, shorten(party), party == client, "invalid authorized party")


def check_hash(call: Call, claims: Claims, name: str, value: str, token: str) -> None:
    """`at_hash` and `c_hash`, where they are there: half of the hash of what came beside the token. Raises Invalid."""
    said = claims.get(name)
    if said is None or not value:
        return
    alg = decode_unverified(token).header.alg
    digest = hashlib.new({"384": "sha384", "512": "sha512"}.get(alg[-3:], "sha512" if alg == "EdDSA" else "sha256"))
    digest.update(value.encode())
    half = digest.digest()[: digest.digest_size // 2]
    wanted = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    good = isinstance(said, str) and hmac.compare_digest(said.encode(), wanted.encode())
    _require(call, name, "the hash of what came with it", "the same" if good else "another", good, f"invalid {name}")


def _require(call: Call, name: str, expected: object, received: object, ok: bool, text: str) -> None:
    call.require(f"id_token.{name}", expected, received, ok, Invalid(f"{REFUSED} {text}"))
