"""One running command: its flags and arguments, the client, and the ways to show a result."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from vaultlike.cli import output
from vaultlike.cli.answer import Answer
from vaultlike.cli.client import Client
from vaultlike.cli.failures import NothingFound, UsageError
from vaultlike.cli.flags import Flags
from vaultlike.cli.options import FORMATS, settings
from vaultlike.cli.terminal import Terminal
from vaultlike.cli.tokenfile import TokenFile


class Session:
    """Everything a command's `run` may use. `name` is the command's."""

    def __init__(self, name: str, flags: Flags, args: Sequence[str], terminal: Terminal) -> None:
        self.name, self.flags, self.args, self.terminal = name, flags, list(args), terminal

    @functools.cached_property
    def client(self) -> Client:
        return Client(settings(self.flags, self.terminal.environ, self.token), self.terminal.sleep)

    def close(self) -> None:
        """Closes the connection if there is one."""
        if "client" in self.__dict__:
            self.client.close()

    @functools.cached_property
    def token(self) -> str:
        """The caller's token: flag, environment, token file; empty when there is none."""
        return self.flags.text("token") or self.token_file.read()

    @functools.cached_property
    def token_file(self) -> TokenFile:
        return TokenFile(self.terminal.home)

    @functools.cached_property
    def format(self) -> str:
        chosen = self.flags.text("format").lower() or "table"
        if chosen not in FORMATS:
            raise UsageError(f"Invalid output format: {chosen} (choose one of {', '.join(FORMATS)})")
        return chosen

    @property
    def quiet(self) -> bool:
        return self.flags.on("no-print")

    def success(self, text: str) -> None:
        """A line for people: printed in table format only."""
        if self.format == "table" and not self.quiet:
            self.terminal.line(f"Success! {text}")

    def line(self, text: str) -> None:
        if not self.quiet:
            self.terminal.line(text)

    def show(self, answer: Answer, *, found_at: str = "") -> int:
        """An answer as `-format` and `-field` ask; `found_at` names the path for the message when it is empty."""
        if answer.empty:
            if found_at:
                raise NothingFound(f"No value found at {found_at}")
            return 0
        self.warn(answer)
        if self.quiet:
            return 0
        if name := self.flags.text("field"):
            present, value = output.field(answer, name)
            return self.show_field(name, present, value)
        if self.format == "table":
            text = output.answer_table(answer)
            if text:
                self.terminal.line(text)
            return 0
        if self.format == "raw":
            self.terminal.raw(answer.raw.decode("utf-8", "replace"))
            return 0
        return self.show_value(answer.envelope())

    def show_field(self, name: str, present: bool, value: object) -> int:
        if not present:
            raise UsageError(f'Field "{name}" not present in secret')
        if self.format in ("json", "yaml"):
            return self.show_value(value)
        self.terminal.raw(output.value_text(value))
        return 0

    def show_value(self, value: object) -> int:
        """Any JSON-like value in json (also for `raw`) or yaml."""
        if self.quiet:
            return 0
        if self.format == "yaml":
            from vaultlike.cli import yaml

            self.terminal.line(yaml.dump(value))
        else:
            self.terminal.line(output.to_json(value))
        return 0

    def show_data(self, data: Mapping[str, object], text: str) -> int:
        """`text` in table format, else `data`; `-field` picks from `data`."""
        if name := self.flags.text("field"):
            return self.show_field(name, name in data, data.get(name))
        if self.format != "table":
            return self.show_value(dict(data))
        self.line(text)
        return 0

    def show_keys(self, answer: Answer, path: str) -> int:
        """A list answer: one name a line, or a JSON list."""
        self.warn(answer)
        if not answer.keys:
            raise NothingFound(f"No value found at {path}")
        if self.format != "table":
            return self.show_value(answer.keys)
        self.line(output.key_list(answer.keys))
        return 0

    def warn(self, answer: Answer) -> None:
        """The answer's warnings on stderr, in table format only: the others carry them inside."""
        if answer.warnings and (self.format == "table" or self.flags.text("field")):
            self.terminal.note(output.warnings_text(answer.warnings))


def slashed(path: str) -> str:
    """A mount path as listings show it: without a leading slash, with a trailing one."""
    return path.strip().strip("/") + "/"


def trimmed(path: str) -> str:
    """A path as it goes into a URL: no blanks or slashes around it."""
    return path.strip().strip("/")
