"""Reads configuration from texts, as an operator would have written them into files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from vaultlike.config import Loaded, load

Read = Callable[..., Loaded]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(text, name="server.hcl", environment={})`: the loaded configuration."""

    def from_text(
        text: str, name: str = "server.hcl", environment: Mapping[str, str] | None = None, complete: bool = True
    ) -> Loaded:
        file = tmp_path / name
        file.write_text(text)
        return load([str(file)], environment or {}, complete=complete)

    return from_text


@pytest.fixture
def problems(read: Read, tmp_path: Path) -> Callable[..., list[str]]:
    """As `read`, but the problems as texts: `LINE: text`."""

    def from_text(text: str, **facts: object) -> list[str]:
        found = read(text, **{"complete": False, **facts}).problems
        return [str(problem).removeprefix(f"{tmp_path}/").partition(":")[2] for problem in found]

    return from_text
