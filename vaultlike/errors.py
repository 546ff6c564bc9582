"""Every refusal the server can give, as one tree. Nothing here knows HTTP headers or bodies; `http` renders.

An error carries two texts: `messages` go to the caller and say no more than the wire contract asks for;
`reason` goes to the operator (log and `sys/explain`) and may name expected and received values, never a secret.
The `status` is the HTTP status of the wire contract (spec/vault-api.md 1.9); it lives on the class so that no
code chooses a status by looking at a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple


class Page(NamedTuple):
    """What a browser is shown in place of the list of texts; the status stays the refusal's."""

    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


class VaultlikeError(Exception):
    """Base of all refusals. `messages`: public texts (may be empty); `reason`: for the operator only.

    `routed` marks errors that the reference wraps as `1 error occurred:` (spec 1.9); `data` and `warnings` ride along
    in the body where the contract says so. `page` is for refusals that a person in front of a browser meets.
    """

    status: ClassVar[int] = 500
    routed: ClassVar[bool] = False
    default: ClassVar[str] = "internal error"

    def __init__(
        self,
        *messages: str,
        reason: str = "",
        data: Mapping[str, object] | None = None,
        warnings: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        page: Page | None = None,
    ) -> None:
        self.messages: tuple[str, ...] = messages or ((self.default,) if self.default else ())
        self.reason = reason or "; ".join(self.messages)
        self.data = data
        self.warnings = warnings
        self.headers = headers
        self.page = page
        self.check = ""  # the check of a login that failed, by name
        super().__init__(self.reason)


class Invalid(VaultlikeError):
    """The caller's input cannot be used (400). Also what a backend answers as an "error response"."""

    status = 400
    default = "invalid request"


class InvalidInside(Invalid):
    """As Invalid, where the reference wraps the text as `1 error occurred:` (capabilities, accessors)."""

    routed = True


class InvalidCredentials(Invalid):
    """A wrong password for a user that exists (400): the only refusal that counts towards a lockout."""


class InvalidAddress(Invalid):
    """A login from outside the networks that its credential is for (400). Not counted, whatever else was wrong: who
    cannot log in from there anyway does not lock anybody out."""


class FieldInvalid(Invalid):
    """One field of the body cannot be converted (400, spec 1.10)."""

    def __init__(self, field: str, problem: str, text: str = "") -> None:
        super().__init__(text or f'Field validation failed: error converting input for field "{field}": {problem}')


class BadJson(Invalid):
    """The body is not a JSON object (400)."""

    default = "failed to decode JSON input"


class Denied(VaultlikeError):
    """Not allowed (403). The public text stays `permission denied`; the reason says why to the operator."""

    status = 403
    default = "permission denied"


class UnknownToken(Denied):
    """The token is none, or expired, revoked, used up, or of somebody who is gone."""


class BadToken(UnknownToken):
    """A signed token that is malformed, forged or expired."""


class LockedOut(Denied):
    """Too many wrong passwords: turned away for a while."""


class WrongAddress(Denied):
    """The caller's address is not among those that a token or a role is bound to."""


class Boundary(Denied):
    """Would give away, or act on somebody who has, more rights than the caller's own; `data` names some (403)."""


class PermissionDenied(Denied):
    """Token or policy check failed in the core; rendered wrapped (`1 error occurred: ...`)."""

    routed = True


class NotFound(VaultlikeError):
    """Nothing there (404); usually without a text."""

    status = 404
    default = ""


class NoRoute(NotFound):
    """No mount serves this path (404)."""

    def __init__(self, path: str) -> None:
        super().__init__(f'no handler for route "{path}". route entry not found.')


class UnsupportedPath(NotFound):
    """The mount has no such path (404)."""

    routed = True
    default = "unsupported path"


class WrongPath(UnsupportedPath):
    """The same where no token is needed, where the text stands alone."""

    routed = False


class UnsupportedOperation(VaultlikeError):
    """The path exists, the operation does not (405)."""

    status = 405
    routed = True
    default = "unsupported operation"


class WrongMethod(UnsupportedOperation):
    """The same on a path that needs no token, where the text stands alone."""

    routed = False


class VersionConflict(VaultlikeError):
    """What was to be changed is not the version that the caller knows (409)."""

    status = 409

    def __init__(self, current: int, expected: int) -> None:
        data = {"currentVersion": current, "expectedVersion": expected}
        super().__init__(f"the version is {current}, not {expected}", data=data)


class TooLarge(VaultlikeError):
    """The request exceeds a size limit (413)."""

    status = 413
    default = "http: request body too large"


class UnsupportedMedia(VaultlikeError):
    """PATCH with another content type (415)."""

    status = 415
    default = "PATCH requires Content-Type of application/merge-patch+json"


class TooMany(VaultlikeError):
    """A rate limit (429)."""

    status = 429
    default = "rate limit quota exceeded"


class Internal(VaultlikeError):
    """Our fault (500): the caller learns nothing beyond that; details are in the log."""

    status = 500


class AuditFailed(Internal):
    """No required audit device took a record: nothing may happen that is not recorded (500)."""


class NotBuilt(VaultlikeError):
    """A part of the wire contract that is not built here (501): says so, never pretends."""

    status = 501
    default = "not implemented by this server"


class Upstream(VaultlikeError):
    """Somebody we depend on failed: a cloud, an issuer (502). Never a refusal, never a success."""

    status = 502
    default = "upstream service failed"


class Unavailable(VaultlikeError):
    """The server cannot serve this now (503)."""

    status = 503
    default = "service unavailable"


class Sealed(Unavailable):
    """The server is sealed (503)."""

    default = "Vault is sealed"
