"""Rotating the server's own client secret: nobody is locked out, and nobody else's secret is touched."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.testing.azure import Fault
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange
from vaultlike.testing.azure.model import Password
from vaultlike_azure import rotation


def passwords(mount: Any) -> dict[str, str]:
    return {one.key_id: one.text for one in mount.emulator.control.application(w.SERVER_CLIENT_ID).passwords}


def stored(mount: Any) -> str:
    import json

    return str(json.loads(mount.storage.documents["config"])["client_secret"])


async def rotate(mount: Any, **body: Any) -> Any:
    answer = await mount.post("rotate-root", body)
    assert answer.status == 204, answer
    return answer


async def settle(mount: Any, seconds: float = 61) -> None:
    mount.clock.advance(seconds)
    await mount.backend.tick()


async def test_where_there_is_nothing_to_rotate(bare: Any) -> None:
    assert (await bare.post("rotate-root")).status == 400
    for fields in ({}, {"client_secret": "s"}, {"client_id": w.GROUP_ID}):
        await bare.delete("config")
        await bare.post("config", {"tenant_id": "t", "resource": "r", **fields})
        answer = await bare.post("rotate-root")
        assert answer.status == 400, fields
    await bare.backend.tick()
    assert set(bare.storage.documents) <= {"config"}


async def test_a_rotation(mount: Any) -> None:
    await mount.post("config", {"root_password_ttl": "30d"})
    await rotate(mount)
    both = passwords(mount)
    assert len(both) == 2
    assert stored(mount) == w.SERVER_CLIENT_SECRET
    shown = (await mount.get("config")).data
    assert shown["rotation"]["stage"] == "pending"
    assert "root_password_expiration_date" not in shown
    for early in (1, 4, 25, 20):
        await settle(mount, early)
        assert stored(mount) == w.SERVER_CLIENT_SECRET
    await settle(mount, 10)
    assert stored(mount) != w.SERVER_CLIENT_SECRET
    assert stored(mount) in both.values()
    assert passwords(mount) == both  # the first secret was not made here, so it stays
    shown = (await mount.get("config")).data
    assert shown["rotation"]["stage"] == "idle"
    assert shown["root_password_expiration_date"].startswith("2026-12-")
    assert stored(mount) not in repr(shown) + mount.logged()


async def test_the_next_rotation_removes_what_the_last_one_made(mount: Any) -> None:
    mount.emulator.control.add_password(w.SERVER_CLIENT_ID, Password(key_id="theirs", text="x"))
    before = set(passwords(mount))
    await rotate(mount)
    await settle(mount)
    first = set(passwords(mount)) - before
    await rotate(mount)
    await settle(mount)
    now = set(passwords(mount))
    assert now > before
    assert len(now - before) == 1
    assert not now & first


async def test_purge(mount: Any) -> None:
    mount.emulator.control.add_password(w.SERVER_CLIENT_ID, Password(key_id="theirs", text="x"))
    await rotate(mount, purge=True)
    await settle(mount)
    assert list(passwords(mount).values()) == [stored(mount)]


async def test_two_in_a_row(mount: Any) -> None:
    await rotate(mount)
    await rotate(mount)
    await settle(mount)
    assert len(passwords(mount)) == 2
    assert stored(mount) in passwords(mount).values()


async def test_a_secret_that_does_not_work_yet_is_not_used(mount: Any) -> None:
    mount.emulator.control.configure(SettingsChange(secret_delay=200))
    await rotate(mount)
    await settle(mount)
    assert stored(mount) == w.SERVER_CLIENT_SECRET
    assert "7000215" in (await mount.get("config")).data["rotation"]["error"]
    await settle(mount, 200)
    assert stored(mount) != w.SERVER_CLIENT_SECRET
    assert "error" not in (await mount.get("config")).data["rotation"]


async def test_a_fresh_secret_of_the_operator_wins(mount: Any) -> None:
    await rotate(mount)
    mount.emulator.control.add_password(w.SERVER_CLIENT_ID, Password(key_id="fresh", text="fresh~secret"))
    await mount.post("config", {"client_secret": "fresh~secret"})
    await settle(mount)
    assert stored(mount) == "fresh~secret"
    assert set(passwords(mount)) == {w.SERVER_SECRET_KEY_ID, "fresh"}


@pytest.mark.parametrize("where", ["applications", "addPassword"])
@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"status": 200, "body": "html"}])
async def test_graph_in_trouble(mount: Any, where: str, fault: dict[str, Any]) -> None:
    mount.emulator.control.fault(Fault(endpoint="graph", match=where, times=-1, **fault))
    answer = await mount.post("rotate-root")
    assert answer.status == 502, answer
    assert len(passwords(mount)) == 1
    mount.emulator.control.clear_faults()
    await rotate(mount)
    await settle(mount)
    assert stored(mount) in passwords(mount).values()


async def test_a_removal_that_fails_is_tried_again(mount: Any) -> None:
    await rotate(mount)
    await settle(mount)
    await rotate(mount)
    mount.emulator.control.fault(Fault(endpoint="graph", match="removePassword", status=403, times=-1))
    await settle(mount)
    assert stored(mount) in passwords(mount).values()
    assert len(passwords(mount)) == 3
    assert (await mount.get("config")).data["rotation"]["stage"] == "cleaning"
    mount.emulator.control.clear_faults()
    await settle(mount)
    assert len(passwords(mount)) == 2


class Crash(BaseException):
    """The process ends here."""


async def crash_at(mount: Any, monkeypatch: pytest.MonkeyPatch, number: int, work: Any) -> bool:
    """Runs `work` with a storage that dies at the n-th write; whether it did."""
    left = number

    def dying(write: Any) -> Any:
        async def instead(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                # a dead process cleans nothing up
                mount.emulator.control.fault(Fault(endpoint="graph", status=400, times=-1))
                raise Crash
            return await write(*arguments)

        return instead

    with monkeypatch.context() as patch:
        patch.setattr(mount.storage, "put", dying(mount.storage.put))
        try:
            await work()
        except Crash:
            mount.emulator.control.clear_faults()
            return True
    return False


@pytest.mark.parametrize("write", range(6))
async def test_a_crash_at_any_write_locks_nobody_out(mount: Any, monkeypatch: pytest.MonkeyPatch, write: int) -> None:
    async def whole() -> None:
        await rotate(mount)
        await settle(mount)

    await whole()
    crashed = await crash_at(mount, monkeypatch, write, whole)
    assert crashed == (write < 5)
    mount.backend = type(mount.backend)(mount.ctx)  # a new process over the same storage
    for _ in range(4):
        await settle(mount, rotation.ABANDONED)
        assert stored(mount) in passwords(mount).values()
    await rotate(mount)
    await settle(mount)
    await settle(mount)
    assert stored(mount) in passwords(mount).values()
    assert len(passwords(mount)) == 2


async def test_a_period(mount: Any) -> None:
    await mount.post("config", {"rotation_period": 3600})
    await settle(mount, 60)
    await settle(mount, 3000)
    assert len(passwords(mount)) == 1
    await settle(mount, 700)
    assert len(passwords(mount)) == 2
    await settle(mount)
    assert stored(mount) != w.SERVER_CLIENT_SECRET
    await mount.post("config", {"disable_automated_rotation": True})
    await settle(mount, 7200)
    await settle(mount, 7200)
    assert len(passwords(mount)) == 2


async def test_a_schedule_with_a_window(mount: Any) -> None:
    pytest.importorskip("cronsim")
    await mount.post("config", {"rotation_schedule": "0 3 * * *", "rotation_window": 3600})
    await settle(mount, 1)
    due = (await mount.get("config")).data["rotation"]["next_at"]
    assert due.endswith("T03:00:00Z")
    await settle(mount, 86400 + 7200)  # nobody was there when the window was open
    assert len(passwords(mount)) == 1
    following = (await mount.get("config")).data["rotation"]["next_at"]
    assert following > due
    mount.clock.advance(86400 - (mount.clock.now() - 3 * 3600) % 86400 + 600)
    await mount.backend.tick()
    assert len(passwords(mount)) == 2


async def test_plans_replace_each_other(bare: Any) -> None:
    pytest.importorskip("cronsim")
    base = {"tenant_id": "t", "resource": "r"}
    await bare.post("config", {**base, "rotation_schedule": "0 3 * * *", "rotation_window": 60})
    await bare.post("config", {"rotation_period": 100})
    shown = (await bare.get("config")).data
    assert (shown["rotation_schedule"], shown["rotation_window"], shown["rotation_period"]) == ("", 0, 100)
    await bare.post("config", {"rotation_schedule": "0 4 * * *"})
    shown = (await bare.get("config")).data
    assert (shown["rotation_schedule"], shown["rotation_period"]) == ("0 4 * * *", 0)
