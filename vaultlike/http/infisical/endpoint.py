"""How an endpoint of the second API is declared, and how the one for a request is found.

@endpoint("POST", "/v1/identities", body=NewIdentity)
async def create(ask: Ask, body: NewIdentity) -> object: ...

A handler takes the Ask and, where declared, the body and the query; what it returns is encoded as JSON (200), or is an
Outgoing. `{name}` in a path is one segment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import unquote

from msgspec import Struct

from vaultlike.errors import Invalid, NotFound, UnsupportedOperation

H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
MAX_SEGMENTS = 64
KEPT, LONGEST_KEPT = 4096, 256  # paths whose endpoint is known without a search, and their characters


class Endpoint(Struct, frozen=True, kw_only=True):
    """One method at one path below `/api`. `open`: no token is read, one that is sent is ignored."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    open: bool = False
    lenient: bool = False  # whether the token may be missing
    furnished: bool = True  # whether it needs the organization's mounts
    login: str = ""  # the name of the way to log in whose mount it needs too
    counted: bool = True  # whether it spends a use of the token
    fixed: dict[str, str] = {}  # what its handler finds in the params, as if the path had captured it


def endpoint(method: str, path: str, **facts: Any) -> Callable[[H], H]:
    """Declares an endpoint; a handler may have several."""

    def mark(handler: H) -> H:
        known = list(getattr(handler, "__endpoints__", ()))
        known.append(Endpoint(method=method, path=path, handler=handler, **facts))
        handler.__endpoints__ = known  # type: ignore[attr-defined]
        return handler

    return mark


class _Step:
    __slots__ = ("capture", "methods", "name", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Step] = {}
        self.capture: _Step | None = None
        self.name = ""
        self.methods: dict[str, tuple[Endpoint, tuple[str, ...]]] = {}


class Endpoints:
    """All endpoints of some modules, found by method and path; a literal segment wins over a captured one."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self._root = _Step()
        self._plain: dict[tuple[str, str], Endpoint] = {}  # by method and path, where nothing is captured
        self.all: list[Endpoint] = []
        self._known: dict[tuple[str, str], tuple[Endpoint, dict[str, str]]] = {}  # clients ask for the same again
        for module in modules:
            for item in vars(module).values():
                if getattr(item, "__module__", "") == module.__name__:
                    for one in getattr(item, "__endpoints__", ()):
                        self._add(one)

    def _add(self, one: Endpoint) -> None:
        self.all.append(one)
        step, names = self._root, []
        for segment in one.path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                step.capture = step = step.capture or _Step()
            else:
                step = step.next.setdefault(segment, _Step())
        if one.method in step.methods:
            raise TypeError(f"{one.method} {one.path} is declared twice")
        step.methods[one.method] = (one, tuple(names))
        if not names:
            self._plain[one.method, one.path] = one

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and what its path captured, which is not to be changed.

        Raises NotFound, UnsupportedOperation, Invalid.
        """
        known = self._known.get((method, path))
        if known is not None:
            return known
        found = self._find(method, path)
        if len(path) <= LONGEST_KEPT:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[method, path] = found
        return found

    def _find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain, dict(plain.fixed)
        segments = path.strip("/").split("/")
        if len(segments) > MAX_SEGMENTS:
            raise NotFound(f"Route {method}:/api{path[:128]} not found")
        found = _walk(self._root, segments, 0, [])
        if found is None:
            raise NotFound(f"Route {method}:/api{path[:128]} not found")
        step, captured = found
        hit = step.methods.get("GET" if method == "HEAD" else method)
        if hit is None:
            raise UnsupportedOperation(f"Route {method}:/api{path[:128]} not found")
        return hit[0], {**hit[0].fixed, **dict(zip(hit[1], map(_decoded, captured), strict=True))}


def _walk(step: _Step, segments: list[str], at: int, captured: list[str]) -> tuple[_Step, list[str]] | None:
    if at == len(segments):
        return (step, captured) if step.methods else None
    literal = step.next.get(segments[at])
    if literal is not None and (found := _walk(literal, segments, at + 1, captured)) is not None:
        return found
    if step.capture is not None and segments[at]:
        return _walk(step.capture, segments, at + 1, [*captured, segments[at]])
    return None


def _decoded(segment: str) -> str:
    try:
        text = unquote(segment, errors="strict") if "%" in segment else segment
    except UnicodeDecodeError:
        raise Invalid("the path is not UTF-8") from None
    if "/" in text or not text.isprintable() or text in (".", ".."):
        raise Invalid("the path has a segment that cannot be used")
    return text
