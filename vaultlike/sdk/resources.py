"""Resources: one Struct per config or role, with read, merge-write, delete and list made from the declaration.

    config = Singleton("config", Config)
    roles = Collection("role/{name}", Role, check=check_role)

A write overlays the stored value with the fields that were sent and saves the whole (spec/vault-api.md 1.10: "not
supplied" keeps, "supplied as zero" overwrites). Owns no validation beyond field conversion and TokenParams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from vaultlike.errors import NotFound, Unavailable
from vaultlike.sdk.bounds import bounds_of
from vaultlike.sdk.call import Answer, Call, Reply
from vaultlike.sdk.context import Context
from vaultlike.sdk.fields import FIELD_TEXT, fields_of
from vaultlike.sdk.gauge import Gauge
from vaultlike.sdk.login import Renewal, TokenParams, check_token_params, follow_deprecated
from vaultlike.sdk.paging import Paging
from vaultlike.sdk.routes import Handler, Route, compile_pattern
from vaultlike.types import Secret

R = TypeVar("R", bound=Struct)
Check = Callable[[Context, Call, R, R | None], "list[str] | Awaitable[list[str] | None] | None"]
Render = Callable[[Context, R], "dict[str, object]"]


def encode(value: Struct) -> bytes:
    """A resource as it is stored (JSON inside the sealed value); secrets are stored in full."""
    return msgspec.json.encode(value, enc_hook=_reveal)


def decoder(kind: type[R]) -> Callable[[bytes], R]:
    """The inverse of `encode` for one Struct class."""
    return msgspec.json.Decoder(kind, dec_hook=_conceal).decode


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"cannot store a {type(value).__name__}")


def _conceal(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is object:  # an Object's values, an Anything: JSON as it is
        return value
    raise TypeError(f"cannot load a {kind.__name__}")


class Resource(Generic[R]):
    """What Singleton and Collection share. `key(call)` names the stored document.

    `check(ctx, call, new, old)` refuses (raises) or returns warnings; `render(ctx, value)` replaces what a read shows;
    `prepare(backend, call, new, old)` and `saved(backend, name)` name methods of the backend: the first completes what
    a write will store (and may run again), the second runs after a write or delete. `create_or_update=False` makes
    every write an update for policies (surprises 7); `ttl_warnings=False` leaves the warnings about capped TTLs to
    `check`.
    """

    def __init__(
        self,
        pattern: str,
        kind: type[R],
        *,
        check: Check[R] | None = None,
        render: Render[R] | None = None,
        fold: bool = False,
        create_or_update: bool = True,
        deletable: bool = True,
        prepare: str = "",
        saved: str = "",
        summary: str = "",
        field_text: str = FIELD_TEXT,
        ttl_warnings: bool = True,
    ) -> None:
        self.pattern, self.kind, self.fields = pattern, kind, fields_of(kind)
        self._check, self._render, self._fold, self._saved = check, render, fold, saved
        self._create_or_update, self._deletable, self._summary = create_or_update, deletable, summary
        self._field_text, self._ttl_warnings, self._prepare = field_text, ttl_warnings, prepare
        self._decode = decoder(kind)
        self._names = compile_pattern(pattern)[1]
        self._prefix = pattern.partition("{")[0]
        # writers of one resource in this process take turns; gone when nobody waits
        self._turns: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()
        if issubclass(kind, TokenParams):
            bounds_of(kind)

    def key(self, name: str) -> str:
        """The storage key of the resource of that name (names fold to lower case where the contract says so)."""
        return self._prefix + (name.lower() if self._fold else name)

    def _name(self, call: Call) -> str:
        return call.params[self._names[-1]] if self._names else ""

    async def find(self, ctx: Context, name: str = "") -> R | None:
        """The stored resource, decoded once per configuration generation; treat it as immutable. None if absent."""
        return await ctx.storage.cached(self.key(name), self._decode)

    async def save(self, ctx: Context, value: R, name: str = "") -> None:
        """Stores the whole resource."""
        await ctx.storage.put(self.key(name), encode(value))

    async def change(self, ctx: Context, name: str, edit: Callable[[R | None], R | None]) -> R | None:
        """Read-modify-write without lost updates: `edit` may run again; None deletes. Returns what is stored now."""
        result: R | None = None

        def apply(raw: bytes | None) -> bytes | None:
            nonlocal result
            result = edit(self._decode(raw) if raw is not None else None)
            return encode(result) if result is not None else None

        await ctx.storage.update(self.key(name), apply)
        return result

    async def remove(self, ctx: Context, name: str = "") -> None:
        """Deletes the resource; absent is fine."""
        await ctx.storage.delete(self.key(name))

    def wire(self, ctx: Context, value: R) -> dict[str, object]:
        """What a read shows: the declared fields without secrets, or what `render` says."""
        if self._render:
            return self._render(ctx, value)
        return self.fields.wire(value)

    # Handlers; `backend` is the mounted Backend instance.

    async def _read(self, backend: Backend, call: Call) -> Answer:
        value = await self.find(backend.ctx, self._name(call))
        if value is None:
            return None
        return Reply(data=self.wire(backend.ctx, value))

    async def _write(self, backend: Backend, call: Call) -> Answer:
        place = (id(backend.ctx), self.key(self._name(call)))
        turn = self._turns.get(place)
        if turn is None:
            turn = self._turns[place] = asyncio.Lock()
        async with turn:
            return await self._written(backend, call)

    async def _written(self, backend: Backend, call: Call) -> Answer:
        ctx, name = backend.ctx, self._name(call)
        given = self.fields.given(call.data, self._field_text)
        if issubclass(self.kind, TokenParams):
            follow_deprecated(given)
        for _ in range(64):  # optimistic: another process between our read and our write makes us start again
            raw = await ctx.storage.get(self.key(name))
            old = self._decode(raw) if raw is not None else None
            new = msgspec.structs.replace(old, **given) if old is not None else self.kind(**given)
            warnings = await self._checked(ctx, call, new, old)
            if self._prepare:
                await getattr(backend, self._prepare)(call, new, old)
            encoded = encode(new)
            if await self._swap(ctx, name, raw, encoded):
                await self._notify(backend, name)
                return Reply(warnings=tuple(warnings)) if warnings else None
        raise Unavailable("too many concurrent writes to the same path", reason=f"lost every race for {call.path}")

    async def _checked(self, ctx: Context, call: Call, new: R, old: R | None) -> list[str]:
        warnings: list[str] = []
        if isinstance(new, TokenParams):
            capped = check_token_params(new, ctx.system.max_ttl())
            warnings += capped if self._ttl_warnings else []
        if self._check:
            found = self._check(ctx, call, new, old)
            if found is not None and not isinstance(found, list):
                found = await found
            warnings += found or []
        return warnings

    async def _swap(self, ctx: Context, name: str, before: bytes | None, after: bytes) -> bool:
        swapped = False

        def apply(raw: bytes | None) -> bytes | None:
            nonlocal swapped
            swapped = raw == before
            return after if swapped else raw

        await ctx.storage.update(self.key(name), apply)
        return swapped

    async def _delete(self, backend: Backend, call: Call) -> Answer:
        name = self._name(call)
        await self.remove(backend.ctx, name)
        await self._notify(backend, name)
        return None

    async def _notify(self, backend: Backend, name: str) -> None:
        if self._saved:
            await getattr(backend, self._saved)(name)

    async def _exists(self, backend: Backend, call: Call) -> bool:
        return await self.find(backend.ctx, self._name(call)) is not None

    def routes(self) -> list[Route]:
        """The routes that this declaration stands for."""
        noun = self._summary or self.pattern
        exists: Handler | None = self._exists if self._create_or_update else None
        found = [
            Route(pattern=self.pattern, verb="read", handler=self._read, response=self.kind, summary=f"Reads {noun}."),
            Route(
                pattern=self.pattern, verb="write", handler=self._write, exists=exists, summary=f"Writes {noun}.",
                declares=self.kind, field_text=self._field_text,
            ),
        ]  # fmt: skip
        if self._deletable:
            found.append(Route(pattern=self.pattern, verb="delete", handler=self._delete, summary=f"Deletes {noun}."))
        return found


class Singleton(Resource[R]):
    """One resource without a name, such as a mount's config."""


class Collection(Resource[R]):
    """Named resources, such as roles; adds the list of names."""

    async def names(self, ctx: Context, *, after: str = "", limit: int = 0) -> list[str]:
        """The stored names in order."""
        return await ctx.storage.keys(self._prefix, after=after, limit=limit)

    async def _list(self, backend: Backend, call: Call, page: Paging) -> Answer:
        return {"keys": await self.names(backend.ctx, after=page.after, limit=max(page.limit, 0))}

    def routes(self) -> list[Route]:
        """The routes of one resource and the list."""
        noun = self._summary or self.pattern
        listing = Route(
            pattern=self._prefix, verb="list", handler=self._list, body=Paging, summary=f"Lists {noun}."
        )  # fmt: skip
        return [*super().routes(), listing]


class Backend:
    """What a mount runs: typed paths over one Context. Constructors do no I/O; two instances never share state.

    Subclasses set `kind` (the mount type) and declare handlers with the decorators of `sdk.routes` and resources as
    class attributes.
    """

    kind: str = ""
    api: int = 1  # the sdk's major version this backend was written for
    summary: str = ""  # one line for path help and the catalog
    open_below: str = ""  # prefix of paths that need no token even where nothing is declared, e.g. "login/"
    __declared__: tuple[Route, ...] = ()
    __roles__: Collection[Any] | None = None  # the resource that says what tokens of a login are like

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        from vaultlike.sdk.routes import routes_of_function

        routes: list[Route] = []
        roles: Collection[Any] | None = None
        for owner in reversed(cls.__mro__):
            for name, item in vars(owner).items():
                if name == "__roles__":
                    continue  # declared under its own name too
                if isinstance(item, Resource):
                    routes += item.routes()
                    if isinstance(item, Collection) and issubclass(item.kind, TokenParams):
                        roles = item
                elif callable(item):
                    routes += routes_of_function(item)
        cls.__declared__, cls.__roles__ = tuple(routes), roles

    def routes(self) -> list[tuple[Route, object]]:
        """What this backend serves, each with the object its handler runs on."""
        return [(route, self) for route in self.__declared__]

    async def start(self) -> None:
        """Runs after mounting and after each unseal."""

    async def stop(self) -> None:
        """Runs before unmounting and sealing; ends what `start` began."""

    async def removed(self) -> None:
        """Runs once when the mount is disabled, before its storage goes."""

    async def tick(self) -> None:
        """Runs about once a minute on one node; must be safe to run twice."""

    def gauges(self) -> Iterable[Gauge]:
        """Numbers for monitoring, as they are in memory now; asked every few seconds in each process."""
        return ()

    async def addresses(self, role: str) -> tuple[str, ...] | None:
        """The addresses that tokens of a role may come from now; () for any, None where the role is gone.

        Asked where a mount's tokens are judged by today's role and not by a copy of it.
        """
        if self.__roles__ is None:
            return None
        found: TokenParams | None = await self.__roles__.find(self.ctx, role)
        return None if found is None else found.token_bound_cidrs

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's token parameters for a renewal; raises Denied or Invalid to refuse. The default refuses."""
        raise NotFound("this auth method does not renew tokens")
