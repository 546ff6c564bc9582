"""Catches code that asks the machine itself for the time or the network, where its Context has both.

    with Outside("my_plugin") as outside:
        ...
    assert outside.reached == []

Owns the traps only. A call is a package's doing when it makes it itself (clocks), or when it is the innermost of its
code and the server's on the stack (sockets: libraries open them for whoever calls them).
"""

from __future__ import annotations

import datetime
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import aiohttp

CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
NETWORK: tuple[tuple[Any, str], ...] = (
    (socket, "getaddrinfo"),
    (socket, "create_connection"),
    (socket.socket, "__init__"),
    (aiohttp.ClientSession, "__init__"),
)


class Reached(Exception):
    """Code took the time or the network from elsewhere than its context."""


class Outside:
    """The traps for one package; what fell into them is in `reached`. What they catch fails with Reached."""

    def __init__(self, package: str) -> None:
        self.reached: list[str] = []
        self._package = package
        self._undo: list[tuple[Any, str, Any]] = []
        self._active = False

    def __enter__(self) -> Outside:
        traps: list[tuple[Any, str, object]] = [(time, name, self._clock(f"time.{name}", name)) for name in CLOCKS]
        traps += [(datetime, name, self._calendar(name)) for name in ("datetime", "date")]
        swapped: dict[int, object] = {id(getattr(owner, name)): trap for owner, name, trap in traps}
        for owner, name, trap in traps:
            self._replace(owner, name, trap)
        for owner, name in NETWORK:
            self._replace(owner, name, self._socket(f"{owner.__name__}.{name}", getattr(owner, name)))
        for module_name, module in list(sys.modules.items()):
            if self._ours(module_name):
                for name, value in list(vars(module).items()):  # `from time import time`
                    if id(value) in swapped:
                        self._replace(module, name, swapped[id(value)])
        self._active = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._active = False  # a module that was imported meanwhile keeps a trap: it lets everybody through now
        while self._undo:
            owner, name, value = self._undo.pop()
            setattr(owner, name, value)

    def _replace(self, owner: Any, name: str, trap: object) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, trap)

    def _ours(self, module: str) -> bool:
        return module == self._package or module.startswith(self._package + ".")

    def _reach(self, what: str, frame: FrameType) -> None:
        self.reached.append(f"{what} in {frame.f_globals.get('__name__')}, line {frame.f_lineno}")
        raise Reached(self.reached[-1])

    def _by(self, what: str) -> None:
        """Raises Reached where the caller of a trap is the package."""
        frame = sys._getframe(2)
        if self._active and self._ours(frame.f_globals.get("__name__", "")):
            self._reach(what, frame)

    def _through(self, what: str) -> None:
        """Raises Reached where the package is on the stack and the server is not in between."""
        frame: FrameType | None = sys._getframe(2)
        while self._active and frame is not None:
            module = frame.f_globals.get("__name__", "")
            if self._ours(module):
                self._reach(what, frame)
            if module.partition(".")[0] == "vaultlike":
                return
            frame = frame.f_back

    def _clock(self, what: str, name: str) -> Callable[[], Any]:
        real = getattr(time, name)

        def trap() -> Any:
            self._by(what)
            return real()

        return trap

    def _calendar(self, name: str) -> type:
        """A class like `datetime`, for which each `datetime` counts as an instance."""
        real: Any = getattr(datetime, name)
        outside = self

        class Alike(type):
            def __instancecheck__(cls, instance: object) -> bool:
                return isinstance(instance, real)

            def __subclasscheck__(cls, other: type) -> bool:
                return issubclass(other, real)

        class Calendar(real, metaclass=Alike):  # type: ignore[misc]  # which of the two is only known here
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> Any:
                outside._by(f"{name}.now")
                return real.now(tz)

            @classmethod
            def utcnow(cls) -> Any:
                outside._by(f"{name}.utcnow")
                return real.now(datetime.UTC).replace(tzinfo=None)

            @classmethod
            def today(cls) -> Any:
                outside._by(f"{name}.today")
                return real.today()

        return Calendar

    def _socket(self, what: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def trap(*arguments: Any, **named: Any) -> Any:
            self._through(what)
            return real(*arguments, **named)

        return trap
