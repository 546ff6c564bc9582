"""Levels that an operator sets at run time: what they let through, and that a reload does not undo them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from vaultlike import log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    log.override({})
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    made = io.StringIO()
    log.configure("info", "standard", made)
    return made


def test_an_unknown_level_changes_nothing_else(stream: io.StringIO) -> None:
    with pytest.raises(ValueError, match="unknown log level"):
        log.override({"http": "loud"})
    assert log.levels()["http"] == "info"


def test_a_logger_writes_what_its_level_admits(stream: io.StringIO) -> None:
    base = structlog.get_logger("vaultlike").bind(worker=1)
    http, audit = log.named(base, "http"), log.named(base, "audit")
    log.override({"http": "debug"})
    http.debug("one")
    audit.debug("two")
    log.override({"": "debug", "http": "error"})
    http.info("three")
    audit.debug("four")
    structlog.get_logger("somebody.else").debug("five")
    log.override({})
    audit.debug("six")
    written = stream.getvalue()
    assert "vaultlike.http: one worker=1" in written and "vaultlike.audit: four" in written
    assert not {"two", "three", "five", "six"} & set(written.replace(":", " ").split())


def test_levels_by_name(stream: io.StringIO) -> None:
    log.named(structlog.get_logger("vaultlike"), "auth.azure").info("made")
    log.override({"auth": "trace", "core": "warn"})
    levels = log.levels()
    assert (levels["auth.azure"], levels["core"], levels["audit"]) == ("trace", "warn", "info")
    assert {"egress", "http"} <= levels.keys()


def test_a_reload_keeps_what_was_set(stream: io.StringIO) -> None:
    log.override({"http": "debug"})
    log.configure("error", "standard", stream)
    assert (log.levels()["http"], log.levels()["core"]) == ("debug", "error")


def test_a_logger_without_a_name_stays_itself() -> None:
    structlog.reset_defaults()
    plain = structlog.get_logger()
    assert log.named(plain, "http") is plain
