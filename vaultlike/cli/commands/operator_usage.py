"""operator usage: how many clients used the server, by namespace."""

from __future__ import annotations

import re

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_int, as_list, as_map, as_text

TITLES = ("Namespace path", "Distinct entities", "Non-Entity tokens", "Clients")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-\d\d", re.ASCII)


def _usage(session: Session) -> int:
    query = {}
    for flag in ("start-time", "end-time"):
        if given := session.flags.text(flag).strip():
            query[flag.replace("-", "_")] = _time(given, flag)
    answer = session.client.call("GET", "sys/internal/counters/activity", query=query, doing="retrieving client counts")
    if not answer.data:
        session.terminal.note("No data is available for the given time range.")
        return 0
    if session.format != "table" or session.flags.text("field"):
        return session.show(answer)
    data = answer.data
    session.line(f"Period start: {as_text(data.get('start_time'))}\nPeriod end: {as_text(data.get('end_time'))}\n")
    rows = []
    for each in as_list(data.get("by_namespace")):
        namespace = as_map(each)
        rows.append([as_text(namespace.get("namespace_path")) or "[root]", *_counts(as_map(namespace.get("counts")))])
    session.line(output.table(TITLES, [*rows, [" "] * len(TITLES), ["Total", *_counts(as_map(data.get("total")))]]))
    return 0


def _time(text: str, flag: str) -> str:
    """A month or a day as the server reads times; it judges all others itself."""
    if _MONTH.fullmatch(text):
        return f"{text}-01T00:00:00Z"
    if _DAY.fullmatch(text):
        return f"{text}T00:00:00Z"
    if not text[:1].isdigit():
        raise UsageError(f'invalid value "{text}" for flag -{flag}: give YYYY-MM, YYYY-MM-DD, RFC 3339 or Unix seconds')
    return text


def _counts(counts: Json) -> list[str]:
    return [str(as_int(counts.get(name))) for name in ("distinct_entities", "non_entity_tokens", "clients")]


COMMANDS = (
    Command(
        "operator usage",
        "Shows how many distinct clients used the server in some months, by namespace.",
        _usage,
        flags=(
            Flag("start-time", "In the first month; as many months before the end as the server is set to report."),
            Flag("end-time", "In the last month; the last complete one if not given."),
        ),
        examples=(
            ("The usual period, up to the last complete month:", "operator usage"),
            ("Two months:", "operator usage -start-time=2026-10 -end-time=2026-11"),
        ),
    ),
)
