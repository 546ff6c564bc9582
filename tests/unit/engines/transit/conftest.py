from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.engines.conftest import Door
from vaultlike.engines.transit import Transit
from vaultlike.sdk import Context


@pytest.fixture
def transit(context: Callable[..., Context]) -> Door:
    return Door(Transit(context()))
