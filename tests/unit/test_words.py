"""The smallest words: secrets and clocks."""

from __future__ import annotations

from collections import Counter

from vaultlike.clock import FakeClock, rfc3339
from vaultlike.sdk import Caller
from vaultlike.storage.engine import TokenRow
from vaultlike.tokens.entry import Token, TokenEntry
from vaultlike.tokens.ids import base62, service_token
from vaultlike.types import NO_SECRET, Secret


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {secret!s}"
    assert secret == Secret("hunter2") and secret != Secret("hunter3") and secret != "hunter2"
    assert secret.reveal() == "hunter2" and secret and not NO_SECRET


def test_tokens_and_callers_print_without_their_secrets() -> None:
    row = TokenRow(id=b"id", namespace="", path="p", sealed=b"")
    entry = TokenEntry(accessor="acc3ss0r", policies=(), display_name="d", created_at=0.0, creation_ttl=0)
    caller = Caller(
        id=b"", accessor="acc3ss0r", entity_id="", display_name="", policies=(), token_policies=(), kind="service",
        is_root=False, token="hvs.t0ken",
    )  # fmt: skip
    shown = f"{Token(row, entry, 'hvs.t0ken')!r} {caller!r}"
    assert "hvs.t0ken" not in shown and "acc3ss0r" not in shown


def test_ids_are_base62_without_bias() -> None:
    stream = iter(range(256))
    text = base62(lambda count: bytes(next(stream, 0) for _ in range(count)), 248)
    counts = Counter(text)  # 248 = 4 * 62; the eight bytes above are thrown away
    assert len(counts) == 62 and set(counts.values()) == {4}
    token = service_token(lambda count: bytes(count))
    assert len(token) == 28 and token.startswith("hvs.")


async def test_the_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(100.0)
    assert clock.now() == clock.now() == 100.0
    await clock.sleep(5)
    await clock.sleep(-5)
    clock.advance(-50)
    assert clock.now() == 55.0
    assert rfc3339(1_767_225_600.25) == "2026-01-01T00:00:00.250000Z"
