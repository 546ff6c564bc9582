"""Asking again: which failures of an outbound call may pass by themselves, how long to wait, and when to give up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Final

from vaultlike.clock import Clock
from vaultlike.sdk.fetched import EgressError, Fetched

TRANSIENT: Final = frozenset((408, 429, 500, 502, 503, 504))


async def retrying(
    call: Callable[[], Awaitable[Fetched]],
    *,
    attempts: int,
    base_delay: float,
    max_delay: float,
    clock: Clock,
    jitter: Callable[[], float],
    deadline: float | None = None,
    retry_after: bool = True,
) -> Fetched:
    """Makes `call` up to `attempts` times and returns the last answer, or raises the last EgressError.

    Before the n-th retry it waits `(2^n - 1) * base_delay * jitter()` seconds, at most `max_delay` (negative: no cap);
    the `Retry-After` of an answer takes the place of that, unless it exceeds `max_delay`: then the answer is returned
    at once (spec/azure.md 3.5). Nothing is tried again when the wait would reach `deadline` (of `clock.monotonic()`).
    """
    attempt = 1
    while True:
        outcome = await _attempt(call)
        transient = outcome.status in TRANSIENT if isinstance(outcome, Fetched) else outcome.transient
        delay = _delay(outcome, attempt, base_delay, max_delay, clock.now() if retry_after else None, jitter)
        late = delay is None or (deadline is not None and clock.monotonic() + delay >= deadline)
        if not transient or late or attempt >= attempts:
            break
        await clock.sleep(delay or 0.0)
        attempt += 1
    if isinstance(outcome, EgressError):
        raise outcome
    return outcome


async def _attempt(call: Callable[[], Awaitable[Fetched]]) -> Fetched | EgressError:
    try:
        return await call()
    except EgressError as error:
        return error


def _delay(
    outcome: Fetched | EgressError,
    attempt: int,
    base_delay: float,
    max_delay: float,
    now: float | None,
    jitter: Callable[[], float],
) -> float | None:
    """Seconds until the next attempt, None when the other side asks for more than `max_delay`.

    `now` None: its `Retry-After` does not count.
    """
    asked = _asked_for(outcome, now) if now is not None and isinstance(outcome, Fetched) else None
    if asked is not None:
        return None if 0 <= max_delay < asked else asked
    delay = (2.0 ** min(attempt, 32) - 1) * base_delay * jitter()
    return max(0.0, delay if max_delay < 0 else min(delay, max_delay))


def _asked_for(fetched: Fetched, now: float) -> float | None:
    """Seconds of a `Retry-After` header (RFC 9110 10.2.3: seconds or a date), None when there is none or it is junk."""
    text = fetched.headers.get("Retry-After", "").strip()
    if not text or len(text) > 64:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
