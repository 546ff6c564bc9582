"""What the author of an auth method tells the conformance suite: how to set it up, and who gets in."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.clock import FakeClock
from vaultlike.settings import Settings

STRANGER = "00000000-dead-4000-8000-00000000beef"  # a value that no bound of a scenario admits


class Scenario:
    """One way to use a method. `secrets` are planted texts that must never come back; `lossy` are fields whose reads
    do not show what was written, by contract; `single_use`: the same proof works once; `tells_why`: by the wire
    contract a refusal by a bound is a 400 that says which kind of bound refused (never what it asks for)."""

    kind: str = ""
    start: float = 1_795_000_000.0  # Unix seconds at which the world begins
    secrets: tuple[str, ...] = ()
    lossy: frozenset[str] = frozenset()
    single_use: bool = False
    tells_why: bool = False
    renewal_checks_bounds: bool = True

    async def open(self, clock: FakeClock) -> Settings:
        """Starts what the method depends on; returns the server's settings for it."""
        return Settings()

    async def close(self) -> None:
        """Ends what `open` began."""

    def setup(self) -> list[tuple[str, dict[str, object]]]:
        """Writes, in order, before the role: (path below the mount, body)."""
        return []

    def role(self) -> dict[str, object]:
        """A role with every bound set, each to a value that fits the login."""
        raise NotImplementedError

    def login(self, role: str) -> dict[str, object]:
        """A body that logs in; a fresh one each time."""
        raise NotImplementedError

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        """Bodies whose proof is worth nothing, by what is wrong with them."""
        raise NotImplementedError

    def stranger(self, bound: str) -> object:
        """A value for a bound that does not admit the login."""
        return [STRANGER]

    async def break_upstream(self) -> bool:
        """Makes everything the method depends on fail. False: it depends on nothing."""
        return False
