"""A server that unseals through another one's transit engine."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.api.seal.conftest import KeyService, Serve, static
from vaultlike.errors import VaultlikeError
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.sealtype import KeyServiceFailed
from vaultlike.testing.server import TestServer


async def status(server: TestServer) -> Mapping[str, object]:
    """The seal's state, as anybody sees it."""
    found: Mapping[str, object] = (await server.get("sys/seal-status", token="")).body
    return found


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"token": "hvs.nobody"}, "refuses the token"),
        ({"key_name": "other"}, "refuses the token"),  # the policy names one key
        ({"mount_path": "elsewhere"}, "refuses the token"),
        ({"address": "http://127.0.0.1:1"}, "does not answer"),
    ],
)
async def test_a_key_service_that_does_not_serve_initialises_nothing(
    provider: KeyService, serve: Serve, settings: dict[str, str], problem: str
) -> None:
    async with serve(provider.stanza(**settings), unsealed=False) as server:
        answer = await server.post("sys/init", {"recovery_shares": 1, "recovery_threshold": 1}, token="")
        assert answer.status == 502
        assert problem in answer.errors[0]
        assert not (await status(server))["initialized"]


async def test_unseal_keys_are_refused_at_initialisation(provider: KeyService, serve: Serve) -> None:
    async with serve(provider.stanza(), unsealed=False) as server:
        answer = await server.post("sys/init", {"secret_shares": 1, "secret_threshold": 1}, token="")
        assert answer.errors == ["parameters secret_shares,secret_threshold not applicable to seal type transit"]


async def test_it_opens_by_itself_after_every_start(provider: KeyService, serve: Serve) -> None:
    async with serve(provider.stanza(), unsealed=False) as server:
        made = (await server.post("sys/init", {"recovery_shares": 3, "recovery_threshold": 2}, token="")).body
        assert (made["keys"], len(made["recovery_keys"])) == ([], 3)
        root = made["root_token"]
        assert (await server.post("sys/policies/acl/kept", {"policy": 'path "a" {}'}, token=root)).status == 204
        seen = await status(server)
        facts = ("type", "sealed", "recovery_seal", "recovery_seal_type", "t", "n", "migration")
        assert [seen[fact] for fact in facts] == ["transit", False, True, "shamir", 2, 3, False]
        assert "warnings" not in seen
    async with serve(provider.stanza(), unsealed=False) as server:
        assert (await status(server))["sealed"] is False
        assert (await server.get("sys/policies/acl/kept", token=root)).status == 200
        refused = await server.post("sys/unseal", {"key": made["recovery_keys"][0]}, token="")
        assert refused.status == 200  # unsealed already
        assert (await server.call("PUT", "sys/seal", token=root)).status == 204
        await server.server.keeper.turn()
        assert (await status(server))["sealed"] is True  # who seals wants it sealed
        refused = await server.post("sys/unseal", {"key": made["recovery_keys"][0]}, token="")
        assert refused.errors == ["seal type transit unseals by itself and takes no keys"]


async def test_without_its_key_service_it_stays_sealed_says_why_and_tries_again(
    provider: KeyService, serve: Serve
) -> None:
    async with serve(provider.stanza()):
        pass
    url = provider.server.url
    await provider.server.server.seal()
    async with serve(provider.stanza(), unsealed=False) as server:
        seen = await status(server)
        assert seen["sealed"] is True
        assert seen["warnings"] == ['seal "transit": the key service is not available']
        assert url not in str(seen)
        answer = await server.get("sys/mounts")
        assert (answer.status, answer.errors) == (503, ["Vault is sealed"])
        delays = [await server.server.keeper.turn() for _ in range(6)]
        assert delays == sorted(delays)
        assert 5 <= delays[0] <= delays[-1] <= 60
        assert (await status(server))["sealed"] is True
        await provider.server.server.unseal(provider.server.keys[0])
        await server.server.keeper.turn()
        seen = await status(server)
        assert (seen["sealed"], "warnings" in seen) == (False, False)
        assert (await server.get("sys/mounts")).status == 200


async def test_a_service_that_is_gone_does_not_keep_the_server_from_starting(
    provider: KeyService, serve: Serve
) -> None:
    async with serve(provider.stanza()):
        pass
    async with serve(provider.stanza(address="http://127.0.0.1:1"), unsealed=False) as server:
        assert (await status(server))["warnings"] == ['seal "transit": the key service does not answer']
        assert (await server.get("sys/health", token="")).status == 503
    async with serve(provider.stanza(), unsealed=False) as server:
        assert (await status(server))["sealed"] is False


async def test_the_key_service_never_sees_the_root_key(provider: KeyService, serve: Serve) -> None:
    """What it decrypts opens nothing without the database."""
    async with serve(provider.stanza()) as server:
        document = await server.server.engine.document("", "core/seal/config")
        assert document is not None
        root = server.server.custodian.root_key()
        import base64
        import json

        (wrap,) = json.loads(document.value)["wraps"]
        inner = json.loads(base64.b64decode(wrap["sealed"]))
        opened = await provider.server.post("transit/decrypt/unseal", {"ciphertext": inner["key"]})
        assert len(base64.b64decode(opened.data["plaintext"])) == 32
        assert base64.b64decode(opened.data["plaintext"]) != root


async def test_a_new_version_of_the_transit_key_wraps_anew(provider: KeyService, serve: Serve) -> None:
    async with serve(provider.stanza()) as server:
        await server.server.keeper.turn()
        assert (await provider.server.post("transit/keys/unseal/rotate")).status == 200
        server.clock.advance(3600)
        await server.server.keeper.turn()
    await provider.server.post("transit/keys/unseal/config", {"min_decryption_version": 2})
    async with serve(provider.stanza(), unsealed=False) as server:
        assert (await status(server))["sealed"] is False


async def test_the_token_is_renewed_unless_that_is_disabled(provider: KeyService, serve: Serve) -> None:
    async def left() -> int:
        found = await provider.server.post("auth/token/lookup", {"token": provider.token})
        ttl: int = found.data["ttl"]
        return ttl

    async with serve(provider.stanza(disable_renewal="true")) as server:
        provider.server.clock.advance(3600)
        await server.server.keeper.turn()
        assert await left() == 86_400 - 3600
    async with serve(provider.stanza(), unsealed=False) as server:
        await server.server.keeper.turn()
        assert await left() == 86_400
        provider.server.clock.advance(40_000)
        server.clock.advance(40_000)
        await server.server.keeper.turn()
        assert await left() == 86_400 - 40_000  # less than half is over
        server.clock.advance(4_000)
        await server.server.keeper.turn()
        assert await left() == 86_400


async def test_a_revoked_token_ends_no_running_server(provider: KeyService, serve: Serve) -> None:
    async with serve(provider.stanza()) as server:
        await provider.server.post("auth/token/revoke", {"token": provider.token})
        server.clock.advance(90_000)
        assert await server.server.keeper.turn() == 300
        assert (await server.get("sys/mounts")).status == 200
    async with serve(provider.stanza(), unsealed=False) as server:
        assert (await status(server))["warnings"] == ['seal "transit": the key service refuses the token']


async def test_a_static_key_that_is_another_one_ends_the_start(serve: Serve) -> None:
    async with serve(static()):
        pass
    with pytest.raises(NotOpened):
        async with serve(static(key="22" * 32), unsealed=False):
            pass


# Several wraps of one root key


async def test_one_of_two_key_services_is_lost(provider: KeyService, second: KeyService, serve: Serve) -> None:
    both = (provider.stanza("first"), second.stanza("second"))
    async with serve(*both) as server:
        assert (await server.post("sys/policies/acl/kept", {"policy": 'path "a" {}'})).status == 204
    lost = provider.stanza("first", address="http://127.0.0.1:1")
    async with serve(lost, second.stanza("second"), unsealed=False) as server:
        assert (await status(server))["sealed"] is False
        assert (await server.get("sys/policies/acl/kept")).status == 200
        await server.server.keeper.turn()
    # the lost one keeps its wrap: it comes back, and the other one goes
    gone = second.stanza("second", address="http://127.0.0.1:1")
    async with serve(provider.stanza("first"), gone, unsealed=False) as server:
        assert (await server.get("sys/policies/acl/kept")).status == 200


async def test_a_seal_is_added_and_removed(provider: KeyService, second: KeyService, serve: Serve) -> None:
    async with serve(provider.stanza("first")):
        pass
    unreachable = second.stanza("second", address="http://127.0.0.1:1")
    async with serve(provider.stanza("first"), unreachable, unsealed=False) as server:
        await server.server.keeper.turn()
        assert await names(server) == {"first"}
    async with serve(provider.stanza("first"), second.stanza("second"), static(), unsealed=False) as server:
        await server.server.keeper.turn()
        assert await names(server) == {"first", "second", "static"}
    async with serve(second.stanza("second"), unsealed=False) as server:
        assert (await status(server))["sealed"] is False
        await server.server.keeper.turn()
        assert await names(server) == {"second"}
    async with serve(provider.stanza("first"), unsealed=False) as server:
        seen = await status(server)
        assert (seen["sealed"], seen["warnings"]) == (True, ['seal "first": the key service refuses to decrypt'])


async def names(server: TestServer) -> set[str]:
    """Which seals hold a wrap."""
    import json

    document = await server.server.engine.document("", "core/seal/config")
    assert document is not None
    return {wrap["name"] for wrap in json.loads(document.value)["wraps"]}


async def test_initialisation_wants_every_seal(provider: KeyService, serve: Serve) -> None:
    """A seal that was configured and holds no wrap would be trusted in vain."""
    stanzas = (provider.stanza("first"), provider.stanza("second", address="http://127.0.0.1:1"))
    with pytest.raises(VaultlikeError) as caught:
        async with serve(*stanzas):
            pass
    assert isinstance(caught.value, KeyServiceFailed)
