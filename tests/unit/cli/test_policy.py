"""policy write: by check-and-set."""

from __future__ import annotations

import pytest

from .conftest import Cli, FakeServer

PATH = "sys/policies/acl/dev"


@pytest.mark.parametrize(
    ("flags", "sent"),
    [
        ((), {}),
        (("-cas=-1",), {"cas": -1}),
        (("-cas", "3", "-cas-required"), {"cas": 3, "cas_required": True}),
        (("-cas-required=false",), {"cas_required": False}),
    ],
)
def test_what_a_write_sends(cli: Cli, server: FakeServer, flags: tuple[str, ...], sent: dict[str, object]) -> None:
    server.on("PUT", PATH)
    assert cli("policy", "write", *flags, "dev", "-", stdin="path {}").code == 0
    assert server.last("PUT").body == {"policy": "path {}", **sent}


def test_a_version_that_is_none_or_another(cli: Cli, server: FakeServer) -> None:
    assert cli("policy", "write", "-cas=x", "dev", "-", stdin="path {}").code == 1
    assert server.seen == []
    server.error("PUT", PATH, 400, "check-and-set parameter did not match the current version")
    result = cli("policy", "write", "-cas=1", "dev", "-", stdin="path {}")
    assert result.code == 2 and "did not match" in result.err
