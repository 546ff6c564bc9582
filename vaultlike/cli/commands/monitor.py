"""monitor: the server's log as it is written."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session

LEVELS = ("trace", "debug", "info", "warn", "error")
FORMATS = ("standard", "json")


def _monitor(session: Session) -> int:
    level, format = session.flags.text("log-level").lower(), session.flags.text("log-format").lower()
    if level not in LEVELS:
        raise UsageError(f"{level} is an unknown log level. Valid log levels are: {', '.join(LEVELS)}")
    if format not in FORMATS:
        raise UsageError(f"{format} is an unknown log format. Valid log formats are: {', '.join(FORMATS)}")
    query = {"log_level": level, "log_format": format}
    try:
        for line in session.client.stream("sys/monitor", query, "starting monitor"):
            session.terminal.line(line.decode("utf-8", "replace").rstrip("\n"))
            session.terminal.stdout.flush()
    except KeyboardInterrupt:
        return 0  # the way to end it
    session.terminal.note("The server has ended the stream.")
    return 0


COMMANDS = (
    Command(
        "monitor",
        "Shows the log of the server as it is written, also below the server's own level, until interrupted.\n"
        "A server with several workers shows that of the worker which answers.",
        _monitor,
        flags=(
            Flag("log-level", "The lowest level to show: trace, debug, info, warn or error.", default="info"),
            Flag("log-format", "standard or json.", default="standard"),
        ),
        examples=(("Shows all that the server does:", "monitor -log-level=debug"),),
    ),
)
