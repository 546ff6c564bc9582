"""What the author of an auth method tells the conformance suite: how to set it up, and who gets in."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.clock import FakeClock
from vaultlike.settings import Settings

STRANGER = "00000000-dead-4000-8000-00000000beef"  # a value that no bound of a scenario admits


class Scenario:
    """One way to use a method.

    `secrets` are planted texts that must never come back; `lossy` are fields whose reads do not show what was written,
    by contract; `single_use`: the same proof works once; `tells_why`: by the wire contract a refusal by a bound is a
    400 that says which kind of bound refused (never what it asks for).

    `roles` and `logins` are the paths below the mount of a role (or of a user, where a method has these) and of its
    login; `{name}` is the role's name. `constraints` are fields of a role that narrow who logs in beside its declared
    bounds. `addresses_at_use`: `token_bound_cidrs` bind the use of the token alone, not the login that makes it.
    `renewal_checks_...`: what a renewal asks beyond that the role is still there.
    """

    kind: str = ""
    start: float = 1_795_000_000.0  # Unix seconds at which the world begins
    secrets: tuple[str, ...] = ()
    lossy: frozenset[str] = frozenset()
    roles: str = "role/{name}"
    logins: str = "login"
    constraints: tuple[str, ...] = ()
    single_use: bool = False
    tells_why: bool = False
    addresses_at_use: bool = False
    renewal_checks_bounds: bool = True
    renewal_checks_policies: bool = False

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

    def wide(self, bounds: tuple[str, ...]) -> dict[str, object]:
        """A role that would admit anybody, which the method must not accept; by default one without its bounds."""
        return {**self.role(), **{name: [] for name in bounds}}

    def credentials(self, role: str) -> list[tuple[str, dict[str, object]]]:
        """Writes, in order, once the role is there: what its logins need and the method keeps."""
        return []

    def login(self, role: str) -> dict[str, object]:
        """A body that logs in; a fresh one each time."""
        raise NotImplementedError

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        """Bodies whose proof is worth nothing, by what is wrong with them."""
        raise NotImplementedError

    def lasting(self, role: str) -> tuple[dict[str, object], int]:
        """For `single_use`: a body that stays good as long as any can, and for how many seconds from `start`."""
        raise NotImplementedError

    def stranger(self, bound: str) -> object:
        """A value for a bound that does not admit the login."""
        return [STRANGER]

    async def break_upstream(self) -> bool:
        """Makes everything the method depends on fail. False: it depends on nothing."""
        return False
