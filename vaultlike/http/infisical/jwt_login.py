"""A login of an identity by a token of somebody else's: what azure-auth, oidc-auth, jwt-auth and others have in common.

Which refusal is which status is told by the check that failed (spec/infisical.md 1), in a table a method.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from vaultlike.builtin.organization.methods.method import Method
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Denied, Invalid, NotFound, TooLarge, Upstream, VaultlikeError
from vaultlike.http.infisical.access_token import Granted, granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.errors import Forbidden, Unauthorized

Refusals = Mapping[str, tuple[type[VaultlikeError], str]]

MAX_JWT: Final = 64 * 1024  # characters
# a UUID: what is none, such as a secret in the wrong field, must not become part of a path, which logs show
_ID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
UNKNOWN: Final = "No identity with this ID was found"
OTHERWISE: Final = "Access denied"
COMMON: Final[Refusals] = {
    "identity": (Unauthorized, UNKNOWN),
    "attachment": (NotFound, "The identity does not have this auth method configured"),
    "organization": (NotFound, "No organization with this slug was found"),
    "entity enabled": (Forbidden, "The identity is disabled"),
    "token_bound_cidrs": (Forbidden, "You are not allowed to access this resource from this IP address"),
}


class JwtLogin(Wire):
    """What a login says. An `Authorization` header beside it is not looked at."""

    identity_id: str
    jwt: str
    organization_slug: str | None = None
    sub_organization_name: str | None = None

    def __repr__(self) -> str:
        return f"JwtLogin({self.identity_id[:64]!r})"


async def log_in(ask: Ask, method: Method[object], body: JwtLogin, refusals: Refusals) -> Granted:  # type: ignore[type-var]
    """The access token. Raises what `refusals` say of the check that failed, by its name or what is before its dot."""
    if len(body.jwt) > MAX_JWT:
        raise TooLarge
    identity = body.identity_id.strip()
    if not _ID.fullmatch(identity):
        raise Unauthorized(UNKNOWN)
    said = {"role": identity, "jwt": body.jwt.strip()}
    if slug := body.organization_slug or body.sub_organization_name:
        said["organizationSlug"] = slug
    try:
        return granted(await ask.reply("write", f"{method.mount}{identity}/login", said))
    except (Denied, Invalid, NotFound, Upstream) as problem:
        raise _refusal(problem, refusals) from None


def _refusal(problem: VaultlikeError, refusals: Refusals) -> VaultlikeError:
    check = problem.check
    found = next(
        (table[name] for name in (check, check.partition(".")[0]) for table in (refusals, COMMON) if name in table),
        None,
    )
    if found is None and isinstance(problem, Upstream):
        found = refusals.get("upstream")
        if found is None:
            return problem
    kind, text = found or (Unauthorized, OTHERWISE)
    return kind(text, reason=problem.reason or str(problem))
