"""Path declarations of a backend: decorators on handlers, and the table that finds the route of a request.

A pattern is literal text with captures: `{name}` one generic name (spec/vault-api.md 1.10), `{name:at}` the same with
`@`, `{name:any}` one segment, `{path:rest}` everything that follows, `{path:maybe}` the same or nothing.
A `list` route matches with and without its trailing slash.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, Literal, TypeVar, get_type_hints

from msgspec import Struct, field

from vaultlike.errors import VaultlikeError
from vaultlike.sdk.fields import FIELD_TEXT, Field, fields_of

Verb = Literal["read", "write", "list", "delete", "patch", "header"]
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
Handler = Callable[..., Awaitable[Any]]

_CAPTURES = {
    "": r"\w(?:[\w.-]*\w)?",
    "at": r"\w(?:[\w.@-]*\w)?",
    "any": r"[^/]+",
    "rest": r".+",
    "maybe": r".*",
}
VERB_OF = {
    "read": "read", "list": "list", "scan": "list", "create": "write", "update": "write", "patch": "patch",
    "delete": "delete", "header": "read",
}  # fmt: skip


class LoginFacts(Struct, frozen=True):
    """Which body fields or captures name the role and the alias: for quotas and lockout, before the handler runs.

    `fold`: the method ignores the case of the alias. `resolve`, async (backend, text) -> name, is for methods whose
    logins say something else than the role's name: what rate limits and explanations call the role, "" for nobody's.
    """

    role: str
    alias: str | None
    fold: bool = False
    resolve: Callable[[Any, str], Awaitable[str]] | None = None


class Route(Struct, frozen=True, kw_only=True):
    """One operation on one pattern, and everything the core must know before it runs the handler."""

    pattern: str
    verb: Verb
    handler: Handler  # called as handler(backend, call) or handler(backend, call, body)
    body: type[Struct] | None = None
    declares: type[Struct] | None = None  # the fields of the body where the handler takes them from call.data itself
    summary: str = ""
    open: bool = False  # needs no token
    sudo: bool = False
    judged: bool = False  # any valid token may call: the handler asks the caller's ACL about all that it touches
    stranger: type[VaultlikeError] | None = None  # the answer to a token that is unknown or spent, instead of a 403
    exists: Handler | None = None  # async (backend, call) -> bool: create or update? None: always update
    login: LoginFacts | None = None
    inject: bool = False  # repeat the data's keys beside the envelope's (spec/vault-api.md 1.6)
    free: bool = False  # takes any fields: no warning about unknown ones
    scans: bool = False  # of a list: SCAN lists what is in the folders inside too
    slash: bool = False  # the path may end in a slash
    field_text: str = FIELD_TEXT
    response: type[Struct] | None = None


class Owned(Struct, frozen=True):
    """A route and the object that its handler runs on."""

    route: Route
    owner: object

    async def __call__(self, *arguments: object) -> Any:
        return await self.route.handler(self.owner, *arguments)


class Place(Struct):
    """All routes of one pattern, by verb."""

    pattern: str
    names: tuple[str, ...]
    regex: re.Pattern[str]
    routes: dict[str, Owned] = field(default_factory=dict)
    _declared: dict[str, Field] | None = None

    def declared(self) -> dict[str, Field]:
        """The fields of all its operations: what one of them takes means something to the others too (spec 1.10)."""
        if self._declared is None:
            bodies = [owned.route.declares or owned.route.body for owned in self.routes.values()]
            self._declared = {name: one for body in bodies if body for name, one in fields_of(body).fields.items()}
        return self._declared


def _declare(verb: Verb, pattern: str, **facts: Any) -> Callable[[H], H]:
    def mark(handler: H) -> H:
        declared = list(getattr(handler, "__routes__", ()))
        declared.append((verb, pattern, facts))
        handler.__routes__ = declared  # type: ignore[attr-defined]
        return handler

    return mark


def read(pattern: str, **facts: Any) -> Callable[[H], H]:
    """Declares the read (GET) of a pattern; `facts` are fields of Route (open, sudo, inject, ...)."""
    return _declare("read", pattern, **facts)


def write(pattern: str, **facts: Any) -> Callable[[H], H]:
    """Declares the write (POST, PUT): create and update. The body's type is the annotation of parameter `body`."""
    return _declare("write", pattern, **facts)


def patch(pattern: str, **facts: Any) -> Callable[[H], H]:
    """Declares the PATCH of a pattern."""
    return _declare("patch", pattern, **facts)


def delete(pattern: str, **facts: Any) -> Callable[[H], H]:
    """Declares the DELETE of a pattern."""
    return _declare("delete", pattern, **facts)


def list_(pattern: str, **facts: Any) -> Callable[[H], H]:
    """Declares the LIST of a pattern that ends with a slash; the handler answers the keys."""
    return _declare("list", pattern, **facts)


def login(
    pattern: str = "login",
    *,
    role: str = "role",
    alias: str | None = None,
    fold: bool = False,
    resolve: Callable[[Any, str], Awaitable[str]] | None = None,
    **facts: Any,
) -> Callable[[H], H]:
    """Declares a login: a write that needs no token and answers a Login. With `alias`, users can be locked out."""
    return _declare("write", pattern, open=True, login=LoginFacts(role, alias, fold, resolve), **facts)


def _body_of(handler: Handler) -> type[Struct] | None:
    """The type of parameter `body`; other annotations may name what is only imported for type checkers."""
    parameter = inspect.signature(handler).parameters.get("body")
    if parameter is None:
        return None
    only = SimpleNamespace(__annotations__={"body": parameter.annotation})
    found: type[Struct] = get_type_hints(only, handler.__globals__)["body"]
    return found


def routes_of_function(handler: Handler) -> list[Route]:
    """The routes that decorators left on a handler."""
    found = []
    for verb, pattern, declared in getattr(handler, "__routes__", ()):
        facts = dict(declared)  # a declaration is read once for every class and mount that has it
        body = _body_of(handler)
        summary = facts.pop("summary", "") or (inspect.getdoc(handler) or "").partition("\n")[0]
        found.append(Route(pattern=pattern, verb=verb, handler=handler, body=body, summary=summary, **facts))
    return found


def compile_pattern(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """The regular expression of a pattern and the names it captures."""
    names: list[str] = []
    text = ""
    for literal, capture in re.findall(r"([^{]*)(\{[^}]*\})?", pattern):
        text += re.escape(literal)
        if capture:
            name, _, kind = capture[1:-1].partition(":")
            names.append(name)
            text += f"({_CAPTURES[kind]})"
    if text.endswith("/"):
        text += "?"
    return re.compile(text, re.ASCII | re.DOTALL), tuple(names)


class RouteTable:
    """Finds the place of a mount-relative path. Literal patterns by dictionary, others in declaration order."""

    def __init__(self, routes: Iterable[tuple[Route, object]]) -> None:
        self.places: dict[str, Place] = {}
        for route, owner in routes:
            regex, names = compile_pattern(route.pattern)
            key = route.pattern.removesuffix("/") if route.verb == "list" else route.pattern
            place = self.places.setdefault(key, Place(key, names, regex))
            if route.pattern.endswith("/"):
                place.regex = regex
            elif route.slash:
                place.regex = compile_pattern(route.pattern + "/")[0]
            if route.verb in place.routes:
                raise TypeError(f"{route.verb} {route.pattern} is declared twice")
            place.routes[route.verb] = Owned(route, owner)
        self._literal: dict[str, Place] = {}
        self._buckets: dict[str, list[Place]] = {}
        self._anywhere: list[Place] = []
        for place in self.places.values():
            if not place.names:
                self._literal[place.pattern] = place
                if "list" in place.routes:
                    self._literal[place.pattern + "/"] = place
                continue
            head, slash, _ = place.pattern.partition("/")
            if slash and "{" not in head:
                self._buckets.setdefault(head, []).append(place)
            else:
                self._anywhere.append(place)

    def find(self, path: str) -> tuple[Place, dict[str, str]] | None:
        """The place of a path and its captures; None where the mount has no such path."""
        place = self._literal.get(path)
        if place is not None:
            return place, {}
        head = path.partition("/")[0]
        for group in (self._buckets.get(head, ()), self._anywhere):
            for place in group:
                match = place.regex.fullmatch(path)
                if match:
                    return place, dict(zip(place.names, match.groups(), strict=True))
        return None
