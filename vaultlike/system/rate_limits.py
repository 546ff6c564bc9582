"""Rate limit quotas as they are stored, and which one counts for a request (spec/vault-api.md 2.11).

Owns rules and matching; `core.throttle` counts requests, `quotas` is the API. All rules are one document, so that a
request costs one look into the cache however many rules there are.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from vaultlike.sdk import Storage
from vaultlike.storage.view import View

KEY = "quotas"
MAX_RULES = 1000
GROUPS = ("ip", "none", "entity_then_ip", "entity_then_none")
EXEMPT = (
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
)


class RateLimit(Struct, frozen=True, kw_only=True):
    """At most `rate` requests of one caller in each `interval` seconds; then none for `block_interval` seconds.

    A caller is an address, or what `group_by` says; those without an entity may have a rate of their own.

    `path` is empty (all requests), a mount path with its slash, a path, or one of these with a final `*`.
    """

    name: str
    path: str
    rate: float
    interval: int = 1
    block_interval: int = 0
    role: str = ""
    group_by: str = "ip"
    secondary_rate: float = 0.0

    def caller(self, address: str, entity: str) -> tuple[str, float]:
        """Whom a request counts for ("" is everybody together), and the rate that one has."""
        if self.group_by == "none":
            return "", self.rate
        if self.group_by == "ip":
            return address, self.rate
        if entity:
            return f"entity {entity}", self.rate
        rest = "" if self.group_by == "entity_then_none" else address
        return rest, self.secondary_rate or self.rate

    def covers(self, path: str) -> bool:
        """Whether requests to `path` count."""
        if self.path.endswith("*"):
            return path.startswith(self.path[:-1])
        return not self.path or path == self.path or (self.path.endswith("/") and path.startswith(self.path))

    @property
    def precision(self) -> tuple[bool, bool, int]:
        """The larger, the more particular: a rule for a role, for one path, for a longer prefix."""
        return bool(self.role), bool(self.path) and not self.path.endswith(("/", "*")), len(self.path)


class Quotas(Struct, frozen=True, kw_only=True):
    """All rules, most particular first, and the settings that go for all of them."""

    rules: tuple[RateLimit, ...] = ()
    exempt: tuple[str, ...] = field(default=EXEMPT)
    log_refusals: bool = False
    show_headers: bool = False

    @property
    def ask_role(self) -> bool:
        """Whether any rule wants to know the role of a login."""
        return any(rule.role for rule in self.rules)

    def rule_of(self, path: str, role: str = "") -> RateLimit | None:
        """The one rule that counts for a request; None where there is none or the path is exempt."""
        if _listed(path, self.exempt):
            return None
        role = role.lower()  # most methods ignore the case of roles: a spelling must not buy another limit
        for rule in self.rules:
            if (not rule.role or rule.role.lower() == role) and rule.covers(path):
                return rule
        return None

    def named(self, name: str) -> RateLimit | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def having(self, *rules: RateLimit) -> Quotas:
        """The same settings with these rules instead."""
        return replace(self, rules=tuple(sorted(rules, key=lambda rule: rule.precision, reverse=True)))


def _listed(path: str, patterns: tuple[str, ...]) -> bool:
    return any(path.startswith(one[:-1]) if one.endswith("*") else path == one for one in patterns)


_decode = msgspec.json.Decoder(Quotas).decode
NONE = Quotas()


async def quotas(storage: Storage) -> Quotas:
    """The rules in force; `storage` is the core's own."""
    return await storage.cached(KEY, _decode) or NONE


async def change(storage: View, edit: Callable[[Quotas], Quotas]) -> None:
    """Changes the rules without losing anybody's change; what `edit` raises goes through."""
    await storage.update(KEY, lambda raw: msgspec.json.encode(edit(_decode(raw) if raw is not None else NONE)))


async def follow(storage: View, source: str, target: str = "") -> None:
    """Rules of a mount that moved move along; those of a mount that is gone go too (`target` empty)."""
    found = await quotas(storage)
    if not any(rule.path.startswith(source) for rule in found.rules):
        return

    def edit(now: Quotas) -> Quotas:
        kept = [rule for rule in now.rules if not rule.path.startswith(source)]
        if target:
            moved = [rule for rule in now.rules if rule.path.startswith(source)]
            kept += [replace(rule, path=target + rule.path[len(source) :]) for rule in moved]
        return now.having(*kept)

    await change(storage, edit)
