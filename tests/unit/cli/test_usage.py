"""operator usage: periods, the table, and no data."""

from __future__ import annotations

import pytest

from .conftest import Cli, FakeServer

PATH = "sys/internal/counters/activity"


def counts(entities: int, others: int) -> dict[str, int]:
    return {"distinct_entities": entities, "non_entity_tokens": others, "clients": entities + others}


REPORT = {
    "start_time": "2026-10-01T00:00:00Z",
    "end_time": "2026-11-30T23:59:59Z",
    "total": counts(1590, 332),
    "by_namespace": [
        {"namespace_id": "root", "namespace_path": "", "counts": counts(1581, 332)},
        {"namespace_id": "n1", "namespace_path": "team/", "counts": counts(9, 0)},
    ],
    "months": [],
}


@pytest.mark.parametrize("flag", ["-start-time=lately", "-end-time=now"])
def test_times_that_are_none(cli: Cli, server: FakeServer, flag: str) -> None:
    result = cli("operator", "usage", flag)
    assert (result.code, server.seen) == (1, [])
    assert "YYYY-MM" in result.err


def test_refused(cli: Cli, server: FakeServer) -> None:
    server.error("GET", PATH, 403, "permission denied")
    result = cli("operator", "usage")
    assert result.code == 2 and "Error retrieving client counts" in result.err


def test_no_data(cli: Cli, server: FakeServer) -> None:
    server.on("GET", PATH)
    result = cli("operator", "usage")
    assert (result.code, result.out, result.err) == (0, "", "No data is available for the given time range.\n")


def test_the_table(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", PATH, REPORT)
    lines = [line.rstrip() for line in cli("operator", "usage").out.splitlines()]
    assert lines == [
        "Period start: 2026-10-01T00:00:00Z",
        "Period end: 2026-11-30T23:59:59Z",
        "",
        "Namespace path    Distinct entities    Non-Entity tokens    Clients",
        "--------------    -----------------    -----------------    -------",
        "[root]            1581                 332                  1913",
        "team/             9                    0                    9",
        "",
        "Total             1590                 332                  1922",
    ]
    assert server.last("GET").query == {}
    shown = cli("operator", "usage", "-format=json").json()
    assert isinstance(shown, dict) and shown["data"]["total"]["clients"] == 1922


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-10", "2026-10-01T00:00:00Z"),
        ("2026-10-31", "2026-10-31T00:00:00Z"),
        ("2026-10-31T10:00:00+02:00", "2026-10-31T10:00:00+02:00"),
        ("1795000000", "1795000000"),
    ],
)
def test_periods(cli: Cli, server: FakeServer, given: str, sent: str) -> None:
    server.enveloped("GET", PATH, REPORT)
    assert cli("operator", "usage", f"-start-time={given}", "-end-time", given).code == 0
    assert server.last("GET").query == {"start_time": [sent], "end_time": [sent]}
