"""Refusals as the second API words them (spec/infisical.md 0): the status and the name of the error, a request id."""

from __future__ import annotations

import msgspec

from vaultlike import errors
from vaultlike.errors import VaultlikeError
from vaultlike.http.message import Outgoing

_encode = msgspec.json.Encoder().encode


class Unprocessable(VaultlikeError):
    """The body or query does not have the shape that is asked for (422); `issues` names each problem."""

    status = 422
    default = "validation failed"

    def __init__(self, issues: list[dict[str, object]]) -> None:
        super().__init__("; ".join(str(issue.get("message", "")) for issue in issues))
        self.issues = issues


class Unauthorized(VaultlikeError):
    """Nobody, or not who they say (401)."""

    status = 401
    default = "Unauthorized"


class Forbidden(VaultlikeError):
    """Known, but not admitted (403)."""

    status = 403
    default = "Forbidden"


class TokenError(VaultlikeError):
    """An access token that is malformed, expired or signed by somebody else (403)."""

    status = 403
    default = "Invalid token"


# The first class that fits gives status, name and text ("": the error's own messages).
_NAMES: tuple[tuple[type[VaultlikeError], int, str, str], ...] = (
    (Unprocessable, 422, "ValidationFailure", ""),
    (Unauthorized, 401, "UnauthorizedError", ""),
    (Forbidden, 403, "ForbiddenError", ""),
    (TokenError, 403, "TokenError", ""),
    (errors.BadToken, 403, "TokenError", "Invalid or expired access token"),
    (errors.UnknownToken, 401, "UnauthorizedError", "Invalid or revoked access token"),
    (errors.WrongAddress, 403, "ForbiddenError", "You are not allowed to access this resource from this IP address"),
    (errors.PermissionDenied, 403, "PermissionDenied", "You are not allowed to do this"),
    (errors.Boundary, 403, "PermissionBoundaryError", ""),
    (errors.Denied, 403, "ForbiddenError", "Permission denied"),
    (errors.NotFound, 404, "NotFound", ""),
    (errors.TooMany, 429, "RateLimitExceeded", "Rate limit exceeded"),
    (errors.TooLarge, 413, "PayloadTooLarge", ""),
    (errors.UnsupportedOperation, 405, "MethodNotAllowed", ""),
    (errors.NotBuilt, 501, "NotImplemented", ""),
    (errors.Upstream, 502, "BadGateway", "A service that was asked did not answer as it should"),
    (errors.Unavailable, 503, "ServiceUnavailable", ""),
    (errors.Invalid, 400, "BadRequest", ""),
)


def named(problem: VaultlikeError) -> tuple[int, str, str]:
    """Status, name and text of a refusal."""
    status, name, text = next(
        ((status, name, text) for kind, status, name, text in _NAMES if isinstance(problem, kind)),
        (500, "InternalServerError", "Something went wrong"),
    )
    return status, name, text or "; ".join(problem.messages) or ("Not found" if status == 404 else name)


def refusal(problem: VaultlikeError, request_id: str) -> Outgoing:
    """The answer that says no."""
    status, name, text = named(problem)
    message: object = text
    if isinstance(problem, Unprocessable):
        message = problem.issues
    body: dict[str, object] = {"reqId": request_id, "statusCode": status, "message": message, "error": name}
    if problem.data is not None:
        body["details"] = problem.data
    headers = tuple(problem.headers.items()) if problem.headers else ()
    return Outgoing(status, _encode(body), "application/json; charset=utf-8", headers)
