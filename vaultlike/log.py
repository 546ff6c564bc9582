"""Logging for the whole process: structlog set up once, its level changeable, and nothing secret in what it writes.

Two formats: `standard` (one readable line) and `json` (one object a line). Libraries that use the standard `logging`
module come out through the same processors. Redaction is the last step before rendering, so that it also sees the
text of formatted exceptions.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal, TextIO

import msgspec
import structlog

Format = Literal["standard", "json"]
LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "err": logging.ERROR,
    "error": logging.ERROR,
}
NAME = "vaultlike"  # the logger above all of ours
PARTS = ("audit", "core", "egress", "http")  # loggers that every server has
MASK = "[redacted]"
MAX_DEPTH = 8
MAX_TEXT = 16 * 1024  # characters of one value; longer ones are cut, so that no input can flood the log

# Keys whose value is never shown, compared in lower case with `-` and space as `_`.
SECRET_KEYS = frozenset((
    "access_token", "api_key", "apikey", "assertion", "authorization", "barrier_key", "client_secret", "client_token",
    "cookie", "credential", "credentials", "id_token", "jwt", "key_share", "keys", "keys_base64", "login_token",
    "nonce_secret", "otp", "passphrase", "passwd", "password", "pem", "private_key", "recovery_keys", "refresh_token",
    "root_key", "root_token", "secret", "secret_id", "secret_key", "security_token", "session_token", "set_cookie",
    "tls_key", "token", "unseal_key", "wrapping_token", "x_vault_token",
))  # fmt: skip
SECRET_ENDINGS = ("_password", "_secret", "_token", "_private_key", "_jwt", "_credentials")

# What a secret looks like wherever it stands: our tokens, JWTs (even cut off), bearer and basic credentials, PEM keys.
_SHAPES = re.compile(
    r"\bhv[sbr]\.[A-Za-z0-9_\-+/=.]{8,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){0,4}"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9_\-+/=.~]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)

Event = MutableMapping[str, Any]


def configure(level: str = "info", format: Format = "standard", stream: TextIO | None = None) -> None:
    """Sets up logging for this process; may be called again. `stream` defaults to standard error.

    Raises ValueError for an unknown level or format.
    """
    if format not in ("standard", "json"):
        raise ValueError(f'unknown log format "{format}"')
    threshold = _number(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(format))
    handler.addFilter(_admits)
    root = logging.getLogger()
    root.handlers[:] = [handler, *_taps]
    root.setLevel(threshold)
    _apply()  # a reload does not undo what an operator has set meanwhile


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]


def _formatter(format: Format) -> structlog.stdlib.ProcessorFormatter:
    renderer = structlog.processors.JSONRenderer(serializer=_json) if format == "json" else _line
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


class Tap(logging.Handler):
    """Hands the lines of the server's own loggers to somebody who watches, from a level on that may be below theirs.

    `take` gets each line with its newline, on whatever thread logs; it must not wait and must not log.
    """

    def __init__(self, level: str, format: Format, take: Callable[[str], None]) -> None:
        """Raises ValueError for an unknown level."""
        super().__init__(_number(level))
        self.setFormatter(_formatter(format))
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Passes a record on."""
        self._take(self.format(record) + "\n")

    def open(self) -> None:
        """Begins."""
        _taps.append(self)
        logging.getLogger().addHandler(self)
        _apply()

    def close(self) -> None:
        """Ends. Safe to repeat."""
        if self in _taps:
            _taps.remove(self)
        logging.getLogger().removeHandler(self)
        _apply()
        super().close()


def named(log: structlog.typing.FilteringBoundLogger, name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of a part of the server, with what `log` is bound to; `log` itself where it has no name.

    Its level can be set by `override` under that name.
    """
    bound = log.bind()
    if not isinstance(getattr(bound, "name", None), str):
        return log
    part: structlog.typing.FilteringBoundLogger = structlog.get_logger(f"{NAME}.{name}")
    return part.bind(**structlog.get_context(bound))


def override(levels: Mapping[str, str]) -> None:
    """Sets levels above the configured one, by names as `levels` shows them; "" counts for all. Replaces the former."""
    chosen = {name: level for name, level in levels.items() if _number(level)}
    for name in _overridden.keys() - chosen.keys():
        logging.getLogger(_full(name)).setLevel(logging.NOTSET)
    _overridden.clear()
    _overridden.update(chosen)
    _apply()


def _apply() -> None:
    """Gives the loggers their levels: so low that every tap gets what it wants; `_admits` keeps the rest out."""
    lowest = min((tap.level for tap in _taps), default=logging.CRITICAL)
    for name, level in _overridden.items():
        logging.getLogger(_full(name)).setLevel(min(_number(level), lowest))
    if "" not in _overridden:
        level_of_root = logging.getLogger().level
        logging.getLogger(NAME).setLevel(min(lowest, level_of_root) if _taps else logging.NOTSET)


def _admits(record: logging.LogRecord) -> bool:
    """Whether a record is for the log itself, not only for a tap."""
    if not _taps or not record.name.startswith(NAME):
        return True
    return record.levelno >= _number(_level_of(record.name[len(NAME) + 1 :]))


def levels() -> dict[str, str]:
    """The level in force of every logger of the server, by its name without ours in front."""
    prefix = NAME + "."
    known = {*PARTS, *(name.removeprefix(prefix) for name in list(logging.root.manager.loggerDict)
                       if name.startswith(prefix))}  # fmt: skip
    return {name: _level_of(name) for name in sorted(known)}


_overridden: dict[str, str] = {}  # logging is one for the process: so are these
_taps: list[Tap] = []


def _full(name: str) -> str:
    return f"{NAME}.{name}" if name else NAME


def _level_of(name: str) -> str:
    place = name
    while place not in _overridden:
        if not place:
            return _NAMES.get(logging.root.level, "info")
        place = place.rpartition(".")[0]
    return _overridden[place]


_NAMES = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error"}


def redact(logger: object, name: str, event: Event) -> Event:
    """The processor that masks values by their key, and parts of any text by their shape."""
    return {key: _masked(key, value, 0) for key, value in event.items()}


def redact_text(text: str) -> str:
    """A text without anything that is shaped like a secret, at most MAX_TEXT characters long."""
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
    return _SHAPES.sub(MASK, cut)


def _masked(key: str, value: Any, depth: int) -> Any:
    if key.startswith("_"):
        return value  # structlog's own
    plain = key.lower().replace("-", "_").replace(" ", "_")
    if plain in SECRET_KEYS or plain.endswith(SECRET_ENDINGS):
        # Numbers and flags under such a name ("keys": 3) are counts; an absent value is worth knowing.
        return value if value is None or isinstance(value, bool | int | float) else MASK
    return _clean(value, depth)


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth >= MAX_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {redact_text(str(key)): _masked(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return redact_text(str(value))


def _line(logger: object, name: str, event: Event) -> str:
    """`2026-01-02T03:04:05Z [info] logger: event key=value ...`, control characters escaped; a traceback follows."""
    at, level = event.pop("timestamp", ""), event.pop("level", "info")
    source, text = event.pop("logger", None), event.pop("event", "")
    exception = event.pop("exception", None)
    pairs = "".join(f" {key}={_word(value)}" for key, value in event.items())
    head = f"{at} [{level}] {source or 'root'}: {_printable(str(text))}{pairs}"
    return f"{head}\n{exception}" if exception else head


def _word(value: Any) -> str:
    """A value as one word: quoted JSON when it would not be one by itself."""
    text = value if isinstance(value, str) else _json(value)
    return text if text and text.isprintable() and not set(text) & set(' ="') else _json(text)


def _printable(text: str) -> str:
    """Nobody forges a second log line with a line feed, or a colour with an escape."""
    return text if text.isprintable() else _json(text)[1:-1]


def _json(value: Any, **_: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def _number(level: str) -> int:
    try:
        return LEVELS[level.lower()]
    except KeyError:
        raise ValueError(f'unknown log level "{level}"') from None
