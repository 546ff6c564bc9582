"""The process that has several serving ones: binds, forks, passes signals and frames on, starts what has crashed.

It has no event loop and no thread, so that it can fork at any time, and holds no key: one passes through it on the
way from worker to worker. It opens no database and answers no request.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from msgspec import Struct, structs

from vaultlike.clock import Clock
from vaultlike.config import ServerConfig
from vaultlike.core.windows import Windows
from vaultlike.meters import Meters
from vaultlike.server import banner
from vaultlike.server.failure import StartFailure
from vaultlike.server.frames import BadFrame, Frame, Kind
from vaultlike.server.logs import Logs
from vaultlike.server.node import DRAIN, bind_for, shown_addresses
from vaultlike.server.notify import Notifier
from vaultlike.server.process import STOPPING, pid_file
from vaultlike.server.relay import Line, Relay
from vaultlike.server.reloading import reread
from vaultlike.server.sources import Sources
from vaultlike.server.worker import Worker

SIGNALS = (*STOPPING, signal.SIGHUP, signal.SIGCHLD)
PATIENCE = DRAIN + 10.0  # seconds until a worker that should end is killed
STEADY = 10.0  # seconds that a worker lives which has not failed at its start
FAREWELL = 5.0  # seconds for workers to end after a failure of the supervisor
LAST_DELAY = 5.0  # seconds between two starts of a worker that ends again and again; its clients wait that long


class Child(Struct):
    """A worker as its supervisor knows it. Times are monotonic seconds; `pid` 0: to be started at `start_at`."""

    number: int
    pid: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    ready: bool = False
    hung_up: bool = False  # a reload came before it was ready for one


class Supervisor:
    """Runs the workers of one server."""

    def __init__(self, config: ServerConfig, environment: Mapping[str, str], sources: Sources, clock: Clock) -> None:
        self._config, self._environment = config, environment
        self._sources, self._clock = sources, clock
        self._windows, self._meters = Windows(os.urandom, shared=True), Meters(config.workers)
        self._logs = Logs(threads=False)
        self._notifier = Notifier(environment)
        self._selector = selectors.DefaultSelector()
        self._relay = Relay(self._selector)
        self._children = [Child(number) for number in range(config.workers)]
        self._sockets: list[list[list[socket.socket]]] = []
        self._reloading: set[int] = set()
        self._started = False  # all of them were ready once
        self._stop_by = 0.0  # monotonic seconds; 0: serving
        log: Any = structlog.get_logger("vaultlike")
        self._log = log

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT; a second one ends the workers without waiting. Raises StartFailure."""
        self._logs.use(self._config)
        self._sockets = bind_for(self._config, len(self._children))
        own, wakeup = socket.socketpair()
        for sock in (own, wakeup):
            sock.setblocking(False)
        self._selector.register(own, selectors.EVENT_READ)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)  # the wakeup socket tells; a handler must be there for it to
        try:
            with pid_file(self._config.pid_file):
                gc.collect()
                gc.freeze()  # what is loaded by now is shared with the workers, as long as nobody touches it
                self._start(self._children[0])  # the others when it has made the database
                while self._turn(own):
                    pass
        finally:
            self._kill()
            for listener in self._config.listeners:
                if listener.kind == "unix":
                    with contextlib.suppress(OSError):
                        os.unlink(listener.address)
            self._logs.close()

    # One turn: what has happened, then what is due

    def _turn(self, own: socket.socket) -> bool:
        """Waits for something to do and does it; whether there will be more."""
        for key, events in self._selector.select(self._pause()):
            line: Line | None = key.data
            if line is None:
                self._signals(own.recv(4096))
            elif self._relay.line(line.worker) is line:  # not one that has just been removed
                self._line(line, events)
        self._reap()
        now = self._clock.monotonic()
        if self._stop_by:
            if now >= self._stop_by:
                self._signal(signal.SIGKILL)
            return any(child.pid for child in self._children)
        for child in self._children:
            if self._started and not child.pid and now >= child.start_at:
                self._start(child)
        return True

    def _pause(self) -> float | None:
        """Seconds until something is due; None: nothing is."""
        due = [self._stop_by] if self._stop_by else []
        if self._started and not self._stop_by:
            due += [child.start_at for child in self._children if not child.pid]
        return max(min(due) - self._clock.monotonic(), 0.0) if due else None

    def _signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number in STOPPING:
                self._stop()
            elif number == signal.SIGHUP:
                self._reload()

    def _line(self, line: Line, events: int) -> None:
        try:
            frames = self._relay.take(line, events)
        except ConnectionError:
            self._relay.remove(line.worker)
            return
        except BadFrame as problem:
            self._log.error("a worker cannot be understood and is killed", number=line.worker, problem=str(problem))
            os.kill(self._children[line.worker].pid, signal.SIGKILL)
            return
        for child in self._children:
            if child.number in self._relay.hung and child.pid:
                self._log.error("a worker hangs and is killed", number=child.number)
                os.kill(child.pid, signal.SIGKILL)
        self._relay.hung.clear()
        for frame in frames:
            self._told(self._children[frame.peer], frame)

    def _told(self, child: Child, frame: Frame) -> None:
        if frame.kind is Kind.FAILED:
            text = frame.payload.decode(errors="replace")
            if not self._started:
                raise StartFailure(text)
            self._log.error("a worker cannot start", number=child.number, problem=text)
            return
        child.ready = True
        if child.hung_up:
            child.hung_up = False
            os.kill(child.pid, signal.SIGHUP)
            return
        self._reloaded(child.number)
        if self._started or self._stop_by:
            return
        for other in self._children:
            if not other.pid:
                self._start(other)
        if all(other.ready for other in self._children):
            self._started = True
            banner.say(banner.configuration(self._config, shown_addresses(self._sockets[0])) + banner.STARTED)
            self._notifier.ready()

    # Workers

    def _start(self, child: Child) -> None:
        ours, theirs = socket.socketpair()
        config, sockets = self._config, self._sockets
        child.started_at, child.ready = self._clock.monotonic(), False
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # none may come to a handler that is the parent's
        child.pid = os.fork()
        if child.pid:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
            self._relay.add(child.number, ours)
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the supervisor tells its workers
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            ours.close()
            self._relay.close()
            self._selector.close()
            for number, groups in enumerate(sockets):
                for sock in (sock for group in groups for sock in group if number != child.number):
                    sock.close()
            worker = Worker(
                child.number, config, self._environment, self._sources, self._clock, self._windows, self._meters
            )
            code = worker.work(theirs, sockets[child.number])
        except BaseException:
            with contextlib.suppress(OSError):
                os.write(sys.stderr.fileno(), traceback.format_exc().encode())
        finally:
            os._exit(code)  # the supervisor's own end, further up the stack, is not this process'

    def _reap(self) -> None:
        for child in self._children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, status)

    def _ended(self, child: Child, status: int) -> None:
        line = self._relay.line(child.number)
        if line is not None:  # its last words
            self._line(line, selectors.EVENT_READ)
        self._relay.remove(child.number)
        now = self._clock.monotonic()
        lived, child.pid, child.ready = now - child.started_at, 0, False
        self._reloaded(child.number)
        if self._stop_by:
            return
        how = (
            signal.Signals(os.WTERMSIG(status)).name
            if os.WIFSIGNALED(status)
            else f"exit code {os.WEXITSTATUS(status)}"
        )
        if not self._started:
            raise StartFailure(f"worker {child.number} ended while it started: {how}")
        child.failures = 0 if lived >= STEADY else child.failures + 1
        delay = min(0.5 * 2.0 ** (child.failures - 2), LAST_DELAY) if child.failures > 1 else 0.0
        child.start_at = now + delay
        self._log.error("a worker has ended and is started again", number=child.number, how=how, delay=delay)

    # Signals

    def _stop(self) -> None:
        if not self._stop_by:
            self._stop_by = self._clock.monotonic() + PATIENCE
            self._notifier.stopping()
            self._log.info("stopping")
            for sock in (sock for groups in self._sockets for group in groups for sock in group):
                sock.close()  # while one process holds it open, clients connect and wait
        self._signal(signal.SIGTERM)

    def _reload(self) -> None:
        """Reads everything again and has the workers do so; with a problem everything stays as it is."""
        self._notifier.reloading(self._clock.monotonic())
        config = reread(self._sources, self._logs, self._log)
        if config is None:
            self._notifier.ready()
            return
        self._config = _kept(self._config, config)
        for child in self._children:
            if child.pid and child.ready:
                self._reloading.add(child.number)
                os.kill(child.pid, signal.SIGHUP)
            else:
                child.hung_up = bool(child.pid)
        if not self._reloading:
            self._notifier.ready()

    def _reloaded(self, number: int) -> None:
        if number in self._reloading:
            self._reloading.discard(number)
            if not self._reloading:
                self._notifier.ready()

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)

    def _kill(self) -> None:
        """Ends what is still there: after a failure, and nothing after a stop."""
        self._stop_by = self._clock.monotonic() + FAREWELL
        self._signal(signal.SIGTERM)
        while any(child.pid for child in self._children):
            self._selector.select(0.05)
            self._reap()
            if self._clock.monotonic() >= self._stop_by:
                self._signal(signal.SIGKILL)


def _kept(now: ServerConfig, read: ServerConfig) -> ServerConfig:
    """The configuration that a worker starts with after a reload: storage, seal and addresses stay."""
    listeners = now.listeners
    if [(each.kind, each.address, each.secure) for each in read.listeners] == [
        (each.kind, each.address, each.secure) for each in listeners
    ]:
        listeners = read.listeners
    return structs.replace(read, storage=now.storage, seals=now.seals, workers=now.workers, listeners=listeners)
