"""What a login method is given: its mount, the parameters, the terminal and a way to the server."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from vaultlike.cli.answer import Answer
from vaultlike.cli.client import Client
from vaultlike.cli.failures import UsageError
from vaultlike.cli.terminal import Terminal


class LoginCall:
    """`params` are the key=value words; `mount` has no slashes around it and stands below auth/."""

    def __init__(
        self, mount: str, params: Mapping[str, object], client: Client, terminal: Terminal, *, ask: bool
    ) -> None:
        self.mount, self.client, self.terminal, self.ask = mount, client, terminal, ask
        self._params = dict(params)

    def take(self, name: str, default: str = "") -> str:
        """Removes one text parameter. Raises UsageError when it is a list."""
        value = self._params.pop(name, default)
        if not isinstance(value, str):
            raise UsageError(f"{name} must be given once")
        return value

    def need(self, name: str, example: str) -> str:
        """As `take`, but the parameter must be there."""
        value = self.take(name)
        if not value:
            raise UsageError(f"{name} is missing: vaultlike login -method=... {example}")
        return value

    def secret(self, name: str, prompt: str) -> str:
        """As `take`; asks on the terminal when it is missing."""
        value = self.take(name)
        if not value and not self.ask:
            raise UsageError(f"{name} is missing: give {name}=..., or {name}=- to read standard input")
        return value or self.terminal.ask_secret(prompt, f"give {name}=..., or {name}=- to read standard input")

    def rest(self) -> dict[str, object]:
        """The parameters nobody took: they go into the request as they are."""
        return dict(self._params)

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        """Calls `auth/<mount>/<path>` without a token."""
        return self.client.call("PUT", f"auth/{self.mount}/{path}", body, doing="authenticating", token="")

    @staticmethod
    def segment(text: str) -> str:
        """A user name as one path segment."""
        return quote(text, safe="@.") if "/" in text else text
