"""User lockout: too many wrong passwords close a name at a mount for a while (spec/vault-api.md 2.11,
spec/auth-methods.md 1.5).

Counters are documents, so that they hold on every process and node; they move no generation. Only refusals that are
InvalidCredentials count, and methods raise those for users that exist alone: nobody can fill the database with names.
The method's declaration says which field names the user (`@login(alias=...)`), so that a locked name is turned away
before the method runs.

For identities of the second API (ADR 7) the rules are the identity's own, and failures count by address too: their
client ids are no secrets, and whoever knows one locks out nobody but himself.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, Struct
from structlog.typing import FilteringBoundLogger

from vaultlike.builtin.organization.backend import Organization
from vaultlike.builtin.organization.places import ORGANIZATION
from vaultlike.clock import Clock
from vaultlike.errors import LockedOut
from vaultlike.mounts.entry import LockoutSettings, MountEntry
from vaultlike.mounts.router import Router
from vaultlike.sdk import Call
from vaultlike.sdk.conversion import Misfit, to_text
from vaultlike.sdk.networks import origin_of
from vaultlike.sdk.routes import LoginFacts
from vaultlike.settings import Settings
from vaultlike.storage.view import View

ATTEMPTS = 100  # of counting a failure; each lost race is another failure counted
PAGE = 500  # counters looked at together
ORIGINS = 256  # counters of one name; the failures of further addresses are not kept: a secret of 256 bits is no guess
SWITCHES = ("VAULT_DISABLE_USER_LOCKOUT", "BAO_DISABLE_USER_LOCKOUT")
_ON = frozenset(("1", "t", "true", "yes", "on"))


class Rules(Struct, frozen=True, kw_only=True):
    """When a name is locked out, for one mount; spans in seconds."""

    threshold: int = 5
    duration: int = 900
    counter_reset: int = 900
    disabled: bool = False


class Failures(Struct, frozen=True):
    """What is kept of a name: how many wrong passwords in a row, and when the last one was (Unix seconds).

    `own` are the rules of that time where they are the name's own.
    """

    alias: str
    count: int
    last_at: float
    own: Rules | None = None

    def locks(self, rules: Rules, now: float) -> bool:
        """Whether the name is locked out now."""
        return self.count >= rules.threshold and now < self.last_at + rules.duration

    def stale(self, rules: Rules, now: float) -> bool:
        """Whether the next failure would start to count anew."""
        return now >= self.last_at + (rules.duration if self.count >= rules.threshold else rules.counter_reset)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Failures).decode


class Attempt(Struct, frozen=True):
    """One login of a name that can be locked out. `folder` has the counters of all addresses, where those count."""

    alias: str
    key: str
    rules: Rules
    folder: str = ""


class Lockouts:
    """The counters of all mounts. `key` hashes the names, which are not to be read off the database."""

    def __init__(
        self, view: View, key: bytes, clock: Clock, log: FilteringBoundLogger, settings: Callable[[], Settings]
    ) -> None:
        self._view, self._key, self._clock, self._log, self._settings = view, key, clock, log, settings

    async def admit(self, mount: MountEntry, facts: LoginFacts, call: Call, own: Rules | None = None) -> Attempt | None:
        """Lets a login go on; None where nobody is locked out. Raises LockedOut for a name that is locked.

        `own`: rules of the name itself, with a counter for each address.
        """
        alias = _alias(facts, call)
        rules = rules_of(mount, self._settings()) if own is None else own
        if not alias or rules.disabled:
            return None
        place = self._place(mount.accessor, alias)
        if own is None:
            attempt = Attempt(alias, place, rules)
        else:
            origin = self._digest(mount.accessor, alias, origin_of(call.remote))
            attempt = Attempt(alias, f"{place}/{origin}", rules, place + "/")
        found = await self._view.get(attempt.key)
        if found is not None:
            self._refuse(call, _decode(found), rules)
        return attempt

    async def failed(self, attempt: Attempt) -> None:
        """Counts a wrong password."""
        for _ in range(ATTEMPTS):
            now = self._clock.now()
            found = await self._view.versioned(attempt.key)
            old = _decode(found[0]) if found is not None else None
            if old is not None and old.locks(attempt.rules, now):
                return
            if old is None and attempt.folder and len(await self._view.keys(attempt.folder, limit=ORIGINS)) >= ORIGINS:
                return
            count = 1 if old is None or old.stale(attempt.rules, now) else old.count + 1
            new = _encode(Failures(attempt.alias, count, now, attempt.rules if attempt.folder else None))
            if await self._view.commit_if({attempt.key: (new, found[1] if found is not None else 0)}):
                return
            await asyncio.sleep(0)
        self._log.warning("a wrong password was not counted: too many others at the same time")

    async def passed(self, attempt: Attempt, call: Call, *, settled: bool = False) -> None:
        """Forgets the failures of a name that has proved itself.

        Raises LockedOut where the name was locked meanwhile: many guesses at once are no more than the threshold
        allows.
        `settled`: not even then, as the proof cannot be given again.
        """
        found = await self._view.versioned(attempt.key)
        if found is None:
            return
        if not settled:
            self._refuse(call, _decode(found[0]), attempt.rules)
        await self._view.commit_if({attempt.key: (None, found[1])})

    async def locked(self, mounts: Mapping[str, MountEntry]) -> dict[str, list[str]]:
        """The names that are locked out now, by accessor of the given mounts; only mounts that have some."""
        found: dict[str, list[str]] = {}
        now = self._clock.now()
        for accessor, mount in sorted(mounts.items()):
            rules = rules_of(mount, self._settings())
            names = {one.alias for _, one in await self._all(accessor) if one.locks(one.own or rules, now)}
            if names and not rules.disabled:
                found[accessor] = sorted(names)
        return found

    async def unlock(self, accessor: str, alias: str) -> int:
        """Forgets the failures of a name, in whatever case it is given; how many counters there were."""
        count = 0
        for name in {alias.strip(), alias.strip().lower()}:
            place = self._place(accessor, name)
            count += await self._view.delete(place) + await self._view.delete_all(place + "/")
        return count

    async def tidy(self, mounts: Mapping[str, MountEntry]) -> None:
        """Deletes counters that mean nothing any more, and those of mounts that are gone."""
        now = self._clock.now()
        for folder in await self._view.children():
            mount = mounts.get(folder.removesuffix("/"))
            if mount is None:
                await self._view.delete_all(folder)
                continue
            rules = rules_of(mount, self._settings())
            for key, failures in await self._all(mount.accessor):
                if failures.stale(failures.own or rules, now):
                    found = await self._view.versioned(key)
                    if found is not None and _decode(found[0]) == failures:
                        await self._view.commit_if({key: (None, found[1])})

    async def _all(self, accessor: str) -> list[tuple[str, Failures]]:
        found: list[tuple[str, Failures]] = []
        after = ""
        while page := await self._view.items(f"{accessor}/", after=after, limit=PAGE):
            found += [(f"{accessor}/{key}", _decode(raw)) for key, raw in page]
            after = page[-1][0]
        return found

    def _refuse(self, call: Call, failures: Failures, rules: Rules) -> None:
        if failures.locks(rules, self._clock.now()):
            wait = int(failures.last_at + rules.duration - self._clock.now()) + 1
            reason = f"locked out after {failures.count} wrong passwords, for {wait} more seconds"
            call.require("lockout", "not locked out", "locked out", False, LockedOut(reason=reason))

    def _place(self, accessor: str, alias: str) -> str:
        return f"{accessor}/{self._digest(accessor, alias)}"

    def _digest(self, *texts: str) -> str:
        message = "\x00".join(texts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(message, key=self._key, digest_size=32).hexdigest()


def _alias(facts: LoginFacts, call: Call) -> str:
    """The name as the method will see it: what normalises here and there must be the same (CVE-2025-6004)."""
    if facts.alias is None:
        return ""
    try:
        name = to_text(call.params.get(facts.alias) or call.data.get(facts.alias)).strip()
    except Misfit:
        return ""  # the method will say what is wrong with it
    return name.lower() if facts.fold else name


def rules_of(mount: MountEntry, settings: Settings) -> Rules:
    """The rules of a mount: its tune over the server's stanza for the method over the stanza "all" over defaults."""
    if any(settings.environment.get(name, "").lower() in _ON for name in SWITCHES):
        return Rules(disabled=True)
    rules = Rules()
    stanzas = settings.stanzas.get("user_lockout", ())
    for wanted in ("all", mount.kind):
        for stanza in stanzas:
            if stanza.get("name") == wanted:
                rules = _of_stanza(rules, stanza)
    tuned = mount.config.lockout
    if tuned is UNSET:
        return rules
    return Rules(
        threshold=tuned.threshold or rules.threshold,  # 0 and unset inherit
        duration=tuned.duration or rules.duration,
        counter_reset=tuned.counter_reset or rules.counter_reset,
        disabled=rules.disabled if tuned.disable is UNSET else tuned.disable,
    )


async def own_rules(router: Router, mount: MountEntry, identity: str, call: Call) -> Rules | None:
    """The rules of an identity that logs in at a mount that all identities share; None at all other mounts. Raises
    Denied where the login is for another organization."""
    if not mount.of_organization or mount.instances:
        return None
    organization = router.at(ORGANIZATION)
    backend = organization.backend if organization is not None else None
    settings = await backend.admit(call, mount.path, identity) if isinstance(backend, Organization) else None
    return Rules(disabled=True) if settings is None else _of_settings(settings)


def _of_settings(settings: LockoutSettings) -> Rules:
    rules = Rules()
    return Rules(
        threshold=settings.threshold or rules.threshold,
        duration=settings.duration or rules.duration,
        counter_reset=settings.counter_reset or rules.counter_reset,
        disabled=settings.disable is True,
    )


def _of_stanza(rules: Rules, stanza: Mapping[str, str]) -> Rules:
    return Rules(
        threshold=int(stanza.get("lockout_threshold") or 0) or rules.threshold,
        duration=int(stanza.get("lockout_duration") or 0) or rules.duration,
        counter_reset=int(stanza.get("lockout_counter_reset") or 0) or rules.counter_reset,
        disabled=stanza["disable_lockout"] in _ON if "disable_lockout" in stanza else rules.disabled,
    )
