"""The `signed` method: the suite that all methods pass, and what is special to this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import count
from pathlib import Path

import pytest
from vaultlike_signed import signature

from vaultlike.clock import FakeClock
from vaultlike.testing.conformance import ROLE, AuthMethodConformance, Scenario, Stage
from vaultlike.testing.server import TestServer

KEY = "the key of press seven, kept secret"
_numbers = count()


class SignedScenario(Scenario):
    kind = "signed"
    secrets = (KEY,)
    single_use = True

    def setup(self) -> list[tuple[str, dict[str, object]]]:
        return [("config", {"max_age": 120}), ("device/press-7", {"key": KEY, "site": "hall-2"})]

    def role(self) -> dict[str, object]:
        return {"bound_devices": ["press-7", "press-8"], "bound_sites": "hall-2", "token_policies": ["press"]}

    def login(self, role: str, at: int = 0, key: str = KEY) -> dict[str, object]:
        time, nonce = at or int(self.start), f"n{next(_numbers)}"
        proof = signature(key, role, "press-7", time, nonce)
        return {"role": role, "device": "press-7", "time": time, "nonce": nonce, "signature": proof}

    def lasting(self, role: str) -> tuple[dict[str, object], int]:
        return self.login(role, at=int(self.start) + 120), 241  # signed by a clock that is as wrong as is allowed

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        good = self.login(role)
        return {
            "another key": self.login(role, key="another key, another key"),
            "no key": self.login(role, key=""),
            "too old": self.login(role, at=int(self.start) - 121),
            "from the future": self.login(role, at=int(self.start) + 121),
            "another time": {**good, "time": int(self.start) + 1},
            "another nonce": {**good, "nonce": "other"},
            "another device": {**good, "device": "press-8"},
            "another role's": {**self.login("other"), "role": role},
            "capitals": {**good, "signature": str(good["signature"]).upper()},
        }


class TestSigned(AuthMethodConformance):
    @pytest.fixture
    def scenario(self) -> SignedScenario:
        return SignedScenario()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    scenario = SignedScenario()
    async with TestServer(clock=FakeClock(scenario.start), path=tmp_path / "signed.db") as server:
        stage = Stage(scenario, server, "auth/signed")
        await stage.prepare()
        yield stage


async def test_short_keys_are_refused(stage: Stage) -> None:
    answer = await stage.server.post("auth/signed/device/weak", {"key": "short"})
    assert (answer.status, answer.errors) == (400, ["key needs at least 16 characters"])


async def test_a_removed_device_stops_its_renewals(stage: Stage) -> None:
    token = await stage.token()
    assert (await stage.server.delete("auth/signed/device/press-7")).status == 204
    assert (await stage.server.post("auth/token/renew-self", token=token)).status == 403
    assert (await stage.login()).status == 403


async def test_a_refused_login_leaves_its_nonce_alone(stage: Stage) -> None:
    body = stage.scenario.login(ROLE)
    await stage.role(bound_sites="elsewhere")
    assert (await stage.login(body)).status == 403
    await stage.role()
    assert (await stage.login(body)).status == 200


async def test_the_catalog_says_whose_it_is(stage: Stage) -> None:
    listed = await stage.server.get("sys/plugins/catalog")
    mine = [one for one in listed.data["detailed"] if one["name"] == "signed"]
    assert "signed" in listed.data["auth"] and len(mine) == 1 and mine[0]["builtin"] is False
