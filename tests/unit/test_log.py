"""What must never come out of the log, whatever goes in."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from vaultlike import log

TOKEN = "hvs.CAESIJlU02LQZqA9ypqNbGXOcanary"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(format: log.Format, text: str, **values: Any) -> str:
    stream = io.StringIO()
    log.configure("debug", format, stream)
    structlog.get_logger("test").info(text, **values)
    return stream.getvalue()


@pytest.mark.parametrize("format", ["standard", "json"])
@pytest.mark.parametrize(
    "values",
    [
        {"token": "canary"},
        {"X-Vault-Token": "canary"},
        {"Client Secret": "canary"},
        {"secret_id": "canary"},
        {"db_password": "canary"},
        {"headers": {"Authorization": "canary"}},
        {"list": [{"deep": ({"jwt": "canary"},)}]},
        {"keys": ["canary"]},
        {"anything": TOKEN},
        {"anything": f"around {TOKEN}, it"},
        {"anything": TOKEN.replace("hvs.", "hvb.")},
        {"anything": TOKEN.replace("hvs.", "hvr.")},
        {"anything": JWT},
        {"anything": JWT[:40] + "canary"},
        {"anything": {TOKEN: 1}},
        {"anything": "Bearer canary-canary"},
        {"anything": b"canary"},
        {"anything": ValueError(f"bad {JWT}")},
        {"anything": "-----BEGIN EC PRIVATE KEY-----\ncanary\n-----END EC PRIVATE KEY-----"},
        {"anything": "-----BEGIN PRIVATE KEY-----\ncanary"},
    ],
)
def test_secrets_do_not_come_out(format: log.Format, values: dict[str, Any]) -> None:
    line = written(format, "event", **values)
    assert "event" in line
    for part in ("canary", TOKEN[4:], *JWT.split(".")[1:]):
        assert part not in line


@pytest.mark.parametrize("format", ["standard", "json"])
def test_secrets_do_not_come_out_of_exceptions_texts_and_other_loggers(format: log.Format) -> None:
    stream = io.StringIO()
    log.configure("debug", format, stream)
    try:
        raise RuntimeError(f"while reading {TOKEN}")
    except RuntimeError:
        structlog.get_logger("test").exception(f"failed with {JWT}")
        logging.getLogger("library").exception("failed with %s", TOKEN)
    text = stream.getvalue()
    assert text.count("RuntimeError") >= 2
    assert "canary" not in text
    assert JWT.split(".")[1] not in text


def test_a_line_cannot_be_forged() -> None:
    line = written("standard", "one\n2026 [info] forged", path="a\nb \x1b[31m")
    assert line.count("\n") == 1
    assert "\x1b" not in line


def test_a_value_cannot_flood_the_log() -> None:
    assert len(written("json", "event", path="x" * 1_000_000)) < 20_000


@pytest.mark.parametrize(("level", "format"), [("loud", "json"), ("", "json"), ("info", "xml")])
def test_unknown_settings_are_refused(level: str, format: Any) -> None:
    with pytest.raises(ValueError, match="unknown log"):
        log.configure(level, format, io.StringIO())


def test_what_is_no_secret_stays() -> None:
    line = msgspec.json.decode(written("json", "sealed", keys=3, token=None, mount="auth/azure/", note="eye hvs. x"))
    assert (line["event"], line["level"], line["logger"]) == ("sealed", "info", "test")
    assert (line["keys"], line["token"], line["mount"], line["note"]) == (3, None, "auth/azure/", "eye hvs. x")


def test_the_level_changes_while_running() -> None:
    stream = io.StringIO()
    log.configure("warn", "standard", stream)
    logger = structlog.get_logger("test")
    logger.info("first")
    log.configure("debug", "standard", stream)
    logger.debug("second", count=2)
    log.configure("error", "standard", stream)
    logger.warning("third")
    assert [line.split(": ")[1] for line in stream.getvalue().splitlines()] == ["second count=2"]
