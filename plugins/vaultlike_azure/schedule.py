"""When the next automated rotation is due: cron expressions, in UTC, read by the library cronsim."""

from __future__ import annotations

from datetime import UTC, datetime

from vaultlike.errors import Invalid, NotBuilt

MAX_EXPRESSION = 256  # characters


def parse_schedule(expression: str) -> None:
    """Raises Invalid when `expression` is no five-field cron expression."""
    next_after(expression, 0.0)


def next_after(expression: str, at: float) -> float:
    """The first scheduled time after `at`, both Unix seconds. Raises Invalid, also when it would never come."""
    try:
        from cronsim import CronSim, CronSimError  # type: ignore[import-not-found, unused-ignore]
    except ImportError:  # pragma: no cover
        raise NotBuilt("rotation_schedule needs the Python package cronsim; use rotation_period") from None
    if len(expression) > MAX_EXPRESSION or len(expression.split()) != 5:
        raise Invalid(f'invalid rotation_schedule "{expression[:64]}": five fields are expected')
    try:
        return float(next(CronSim(expression, datetime.fromtimestamp(at, UTC))).timestamp())
    except CronSimError:
        raise Invalid(f'invalid rotation_schedule "{expression}"') from None
    except StopIteration:
        raise Invalid(f'rotation_schedule "{expression}" never comes') from None
