"""Flags in Go's manner: `-name value`, `-name=value`, `--name=value`, boolean `-name`. Declared as data, parsed once.

A word after the first argument is taken for a flag only if it names a declared one; after `--` all are arguments.
Does not know what the flags mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaultlike.cli import durations
from vaultlike.cli.failures import UsageError

_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


class Flag(NamedTuple):
    """One flag. `kind`: text, bool, int, duration, list (may repeat) or pairs (`k=v`, may repeat)."""

    name: str
    help: str
    kind: str = "text"
    default: str = ""
    env: tuple[str, ...] = ()  # variables read when the flag is absent, first one set wins
    aliases: tuple[str, ...] = ()


class Flags:
    """The values of a parsed command line. Asking for an undeclared flag is a KeyError: a mistake in the code."""

    def __init__(
        self, declared: Mapping[str, Flag], given: Mapping[str, list[str]], environ: Mapping[str, str]
    ) -> None:
        self._declared, self._given, self._environ = declared, given, environ

    def given(self, name: str) -> bool:
        """Whether the flag stood on the command line (the environment does not count)."""
        return self._declared[name].name in self._given

    def text(self, name: str) -> str:
        flag = self._declared[name]
        if flag.name in self._given:
            return self._given[flag.name][-1]
        return next((self._environ[key] for key in flag.env if self._environ.get(key)), flag.default)

    def on(self, name: str) -> bool:
        """A boolean flag's value."""
        value = self.text(name)
        if value and value not in _TRUE and value not in _FALSE:
            raise UsageError(f'invalid boolean value "{value}" for -{name} (or its environment variable)')
        return value in _TRUE

    def number(self, name: str) -> int:
        value = self.text(name)
        try:
            return int(value or "0")
        except ValueError:
            raise UsageError(f'invalid value "{value}" for flag -{name}: not a whole number') from None

    def seconds(self, name: str) -> float:
        return _duration(name, self.text(name) or "0")

    def items(self, name: str) -> list[str]:
        """A repeatable flag's values in order; a comma separated environment variable counts too."""
        flag = self._declared[name]
        if flag.name in self._given:
            return self._given[flag.name]
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def pairs(self, name: str) -> dict[str, str]:
        """A repeatable `key=value` flag as a map. Raises UsageError for an item without `=`."""
        result: dict[str, str] = {}
        for item in self.items(name):
            key, sign, value = item.partition("=")
            if not sign or not key:
                raise UsageError(f'invalid value "{item}" for flag -{name}: must be key=value')
            result[key] = value
        return result


def _duration(name: str, value: str) -> float:
    try:
        return durations.seconds(value)
    except ValueError as problem:
        raise UsageError(f'invalid value "{value}" for flag -{name}: {problem}') from None


def index(declared: Sequence[Flag]) -> dict[str, Flag]:
    """Every spelling (name and aliases) of the declared flags."""
    return {spelling: flag for flag in declared for spelling in (flag.name, *flag.aliases)}


def parse(args: Sequence[str], declared: Sequence[Flag], environ: Mapping[str, str]) -> tuple[Flags, list[str]]:
    """Splits a command line into flags and arguments. Raises UsageError for an unknown flag or a bad value."""
    known, words = index(declared), list(args)
    given: dict[str, list[str]] = {}
    positional: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            positional += words[at:]
            break
        name, sign, value = word.lstrip("-").partition("=")
        if len(word) < 2 or word[0] != "-" or word.startswith("---"):
            positional.append(word)
            continue
        flag = known.get(name)
        if flag is None:
            if positional:  # too late for flags: an argument that begins with a dash
                positional.append(word)
                continue
            raise UsageError(f"flag provided but not defined: -{name}{_nearest(name, known)}")
        if not sign:
            if flag.kind == "bool":
                value = "true"
            elif at < len(words):
                value = words[at]
                at += 1
            else:
                raise UsageError(f"flag needs an argument: -{name}")
        _check(flag, value)
        given.setdefault(flag.name, []).append(value)
    return Flags(known, given, environ), positional


def _check(flag: Flag, value: str) -> None:
    if flag.kind == "bool" and value not in _TRUE and value not in _FALSE:
        raise UsageError(f'invalid boolean value "{value}" for -{flag.name}: use true or false')
    if flag.kind == "duration":
        _duration(flag.name, value)
    if flag.kind == "int" and not value.removeprefix("-").isdecimal():
        raise UsageError(f'invalid value "{value}" for flag -{flag.name}: not a whole number')


def _nearest(name: str, known: Mapping[str, Flag]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f" (did you mean -{near[0]}?)" if near else ""
