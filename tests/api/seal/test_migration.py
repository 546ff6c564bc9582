"""From people's shares to a key service, from one service to another, and back; and the recovery keys in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.api.seal.conftest import KeyService, Serve, static
from vaultlike.testing.server import TestServer

NEEDED = "migrate option not provided and seal migration is required"


async def submit(server: TestServer, keys: Sequence[str], *, migrate: bool) -> Any:
    """The last answer; earlier ones must have been taken."""
    for key in keys:
        answer = await server.post("sys/unseal", {"key": key, "migrate": migrate}, token="")
    return answer


async def initialised(serve: Serve, *seals: Any) -> tuple[list[str], str]:
    """A fresh server with three shares of which two are needed, and something written; keys and root token."""
    async with serve(*seals, unsealed=False) as server:
        kind = "recovery" if seals else "secret"
        made = (await server.post("sys/init", {f"{kind}_shares": 3, f"{kind}_threshold": 2}, token="")).body
        keys: list[str] = made["recovery_keys" if seals else "keys"]
        root: str = made["root_token"]
        if not seals:
            await submit(server, keys[:2], migrate=False)
        assert (await server.post("sys/policies/acl/kept", {"policy": 'path "a" {}'}, token=root)).status == 204
        return keys, root


async def open_and_intact(server: TestServer, root: str, kind: str) -> None:
    seen = (await server.get("sys/seal-status", token="")).body
    assert (seen["type"], seen["sealed"], seen["migration"]) == (kind, False, False)
    assert (await server.get("sys/policies/acl/kept", token=root)).status == 200


async def test_a_migration_that_nobody_asked_for_is_refused(serve: Serve) -> None:
    keys, _ = await initialised(serve)
    async with serve(unsealed=False) as server:
        answer = await submit(server, keys[:1], migrate=True)
        assert answer.errors == ["can't perform a seal migration, no migration seal found"]


async def test_shares_to_transit(provider: KeyService, serve: Serve) -> None:
    keys, root = await initialised(serve)
    async with serve(provider.stanza(), unsealed=False) as server:
        await server.server.keeper.turn()
        seen = (await server.get("sys/seal-status", token="")).body
        facts = ("type", "sealed", "migration", "recovery_seal", "t", "n")
        assert [seen[fact] for fact in facts] == ["transit", True, True, True, 2, 3]
        assert (await submit(server, keys[:1], migrate=False)).errors == [NEEDED]
        assert (await submit(server, [keys[0], "ab" * 33], migrate=True)).errors == ["Unseal failed, invalid key"]
        seen = (await submit(server, keys[:1], migrate=True)).body
        assert (seen["sealed"], seen["progress"]) == (True, 1)
        await submit(server, keys[1:2], migrate=True)
        await open_and_intact(server, root, "transit")
        await root_token_by(server, keys[1:])
    async with serve(provider.stanza(), unsealed=False) as server:
        await open_and_intact(server, root, "transit")
    async with serve(unsealed=False) as server:  # without the stanza, shares alone open nothing
        answer = await submit(server, keys[:1], migrate=False)
        assert "initialised with seal type transit, which is not configured" in answer.errors[0]


async def test_a_key_service_that_is_down_leaves_everything_as_it_was(provider: KeyService, serve: Serve) -> None:
    keys, root = await initialised(serve)
    async with serve(provider.stanza(address="http://127.0.0.1:1"), unsealed=False) as server:
        answer = await submit(server, keys[:2], migrate=True)
        assert (answer.status, answer.errors) == (502, ['seal "transit": the key service does not answer'])
        seen = (await server.get("sys/seal-status", token="")).body
        assert (seen["sealed"], seen["migration"], seen["progress"]) == (True, True, 0)
    async with serve(unsealed=False) as server:
        await submit(server, keys[:2], migrate=False)
        await open_and_intact(server, root, "shamir")


async def test_transit_to_shares(provider: KeyService, serve: Serve) -> None:
    keys, root = await initialised(serve, provider.stanza())
    async with serve(provider.stanza(disabled=True), unsealed=False) as server:
        seen = (await server.get("sys/seal-status", token="")).body
        facts = ("type", "sealed", "migration", "recovery_seal", "t", "n")
        assert [seen[fact] for fact in facts] == ["shamir", True, True, False, 2, 3]
        assert (await submit(server, keys[:1], migrate=False)).errors == [NEEDED]
        wrong = await submit(server, ["ab" * 33, "cd" * 33], migrate=True)
        assert wrong.errors == ["Unseal failed, invalid key"]
        await submit(server, keys[:2], migrate=True)
        await open_and_intact(server, root, "shamir")
    async with serve(provider.stanza(disabled=True), unsealed=False) as server:  # the old stanza may stay
        await submit(server, keys[1:], migrate=False)
        await open_and_intact(server, root, "shamir")
    async with serve(provider.stanza(), unsealed=False) as server:  # going back is a migration again
        assert (await submit(server, keys[:1], migrate=False)).errors == [NEEDED]


async def test_transit_to_static_and_on_to_another_transit(
    provider: KeyService, second: KeyService, serve: Serve
) -> None:
    keys, root = await initialised(serve, provider.stanza("old"))
    async with serve(static(), provider.stanza("old", disabled=True), unsealed=False) as server:
        await server.server.keeper.turn()
        assert (await server.get("sys/seal-status", token="")).body["sealed"] is True
        await submit(server, keys[:2], migrate=True)
        await open_and_intact(server, root, "static")
    async with serve(static(), unsealed=False) as server:
        await open_and_intact(server, root, "static")
    async with serve(second.stanza("new"), static(disabled=True), unsealed=False) as server:
        await submit(server, keys[1:], migrate=True)
        await open_and_intact(server, root, "transit")
    async with serve(second.stanza("new"), static(disabled=True), unsealed=False) as server:
        await open_and_intact(server, root, "transit")


async def test_what_wrapped_the_root_key_before_opens_nothing_afterwards(serve: Serve) -> None:
    """An old copy of the seal's record, put back by somebody, does not open the present keyring."""
    from vaultlike.storage.engine import PutDocument

    keys, _ = await initialised(serve)
    async with serve(unsealed=False) as server:
        before = await server.server.engine.document("", "core/seal/config")
        assert before is not None
    async with serve(static(), unsealed=False) as server:
        await submit(server, keys[:2], migrate=True)
        await server.server.engine.commit([PutDocument("", "core/seal/config", before.value)])
    async with serve(unsealed=False) as server:
        assert (await submit(server, keys[:2], migrate=False)).status == 500


async def root_token_by(server: TestServer, keys: Sequence[str]) -> None:
    """The holders make a root token."""
    start = (await server.call("PUT", "sys/generate-root/attempt", {}, token="")).body
    for key in keys:
        body = {"key": key, "nonce": start["nonce"]}
        answer = (await server.call("PUT", "sys/generate-root/update", body, token="")).body
    assert answer["complete"] is True


# Recovery keys


@pytest.mark.parametrize("base", ["sys/rekey", "sys/rekey-recovery-key"])
async def test_keys_that_a_seal_does_not_have_cannot_be_changed(serve: Serve, base: str) -> None:
    seals = [static()] if base == "sys/rekey" else []
    async with serve(*seals) as server:
        answer = await server.call("PUT", f"{base}/init", {"secret_shares": 1, "secret_threshold": 1}, token="")
        assert answer.status == 400
        wanted = "has no unseal keys" if seals else "recovery keys are not supported by this seal type"
        assert wanted in answer.errors[0]


async def test_recovery_keys_are_changed_by_their_holders(serve: Serve) -> None:
    base = "sys/rekey-recovery-key"
    keys, root = await initialised(serve, static())
    async with serve(static(), unsealed=False) as server:
        order = {"secret_shares": 2, "secret_threshold": 2, "require_verification": True}
        started = (await server.call("PUT", f"{base}/init", order, token="")).body
        assert (started["started"], started["required"], started["n"]) == (True, 2, 2)
        for key in keys[:2]:
            body = {"key": key, "nonce": started["nonce"]}
            done = (await server.call("PUT", f"{base}/update", body, token="")).body
        assert (done["complete"], len(done["keys"])) == (True, 2)
        assert (await server.get(f"{base}/verify", token="")).body["started"] is True
        for key in done["keys"]:
            body = {"key": key, "nonce": done["verification_nonce"]}
            verified = (await server.call("PUT", f"{base}/verify", body, token="")).body
        assert verified["complete"] is True
        await root_token_by(server, done["keys"])
        assert (await server.get(f"{base}/init", token="")).body["started"] is False
        assert (await server.get(f"{base}/update", token="")).status == 405
        assert (await server.get("sys/rekey/recovery-key-backup", token=root)).errors == ["no backed-up keys found"]


async def test_the_newer_paths_want_a_token(serve: Serve) -> None:
    keys, root = await initialised(serve, static())
    async with serve(static(), unsealed=False) as server:
        order = {"secret_shares": 1, "secret_threshold": 1}
        assert (await server.post("sys/rotate/recovery/init", order, token="")).status == 403
        started = (await server.post("sys/rotate/recovery/init", order, token=root)).data
        for key in keys[:2]:
            body = {"key": key, "nonce": started["nonce"]}
            done = (await server.post("sys/rotate/recovery/update", body, token=root)).data
        assert (done["complete"], len(done["keys"])) == (True, 1)
