"""What can go wrong in a command. Each failure knows its exit code and its text; `main` prints and leaves.

Exit codes as people know them (spec/vault-api.md 8.4): 1 for wrong usage, 2 for a refusal or nothing found.
"""

from __future__ import annotations

from typing import ClassVar

USAGE = 1
REFUSED = 2


class CommandError(Exception):
    """Base: `str()` is the text for stderr, `code` the exit code."""

    code: ClassVar[int] = REFUSED


class UsageError(CommandError):
    """The command line itself cannot be used."""

    code = USAGE


class NothingFound(CommandError):
    """The server has nothing at that path."""


class TransportError(CommandError):
    """No answer came. `kind`: refused, unresolved, timeout, plain_server, tls_server, certificate or other."""

    def __init__(self, kind: str, address: str, detail: str, doing: str = "") -> None:
        self.kind = kind
        self.address = address
        self.detail = detail
        self.doing = doing
        prefix = f"Error {doing}: " if doing else ""
        super().__init__(f"{prefix}{detail}")


class ApiError(CommandError):
    """The server answered with an error status.

    `doing` completes "Error ...", `path` is the request path without `/v1/`, `request_id` may be empty,
    `with_token` says whether the request carried a token.
    """

    def __init__(
        self,
        *,
        method: str,
        url: str,
        path: str,
        status: int,
        errors: tuple[str, ...],
        raw: str = "",
        doing: str = "",
        namespace: str = "",
        request_id: str = "",
        with_token: bool = True,
    ) -> None:
        self.method, self.url, self.path, self.status = method, url, path, status
        self.errors, self.raw, self.doing = errors, raw, doing
        self.namespace, self.request_id, self.with_token = namespace, request_id, with_token
        super().__init__(self._text())

    def hide_query(self) -> None:
        """Leaves out what the address carries after its path, where that is secret."""
        self.url = self.url.partition("?")[0]
        self.args = (self._text(),)

    def _text(self) -> str:
        lines = [f"Error {self.doing}: Error making API request." if self.doing else "Error making API request.", ""]
        if self.namespace:
            lines.append(f"Namespace: {self.namespace}")
        lines.append(f"URL: {self.method} {self.url}")
        if self.errors or not self.raw:
            lines += [f"Code: {self.status}. Errors:", ""]
            lines += [f"* {error}" for error in self.errors]
        else:
            lines += [f"Code: {self.status}. Raw Message:", "", self.raw]
        return "\n".join(lines)


class Preview(CommandError):
    """Not a failure: `-output-curl-string` or `-output-policy` asked to print the request instead of sending it."""

    code = 0
