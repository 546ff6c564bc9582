"""The decision object: may this caller do this operation on this path? `compiled` makes it of policies.

Immutable and shareable: the same policies and facts always compile to the same answers, so an `ACL` may serve any
number of tokens until the configuration changes or `expires_at` passes (spec/vault-api.md 5.2).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from vaultlike.policy.model import DENY, SUDO, Parameters
from vaultlike.policy.parameters import parameter_problem
from vaultlike.policy.patterns import UNLIKELY, Kind, PatternIndex, Priority, classify, overlaps

ROOT: Final = "root"
NEEDS: Final[Mapping[str, str]] = {
    "read": "read",
    "header": "read",
    "list": "list",
    "scan": "scan",
    "create": "create",
    "update": "update",
    "patch": "patch",
    "delete": "delete",
    "revoke": "update",
    "renew": "update",
    "rollback": "update",
    "alias-lookahead": "update",
}
MAX_DEPTH: Final = 16  # segments that `any_access_below` looks down
_WITH_PARAMETERS: Final = frozenset(("create", "update", "patch"))
_LISTING: Final = frozenset(("list", "scan"))


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """All stanzas for one pattern, joined. `policies` names where they came from; times are seconds, 0 means unset."""

    pattern: str
    kind: Kind
    capabilities: frozenset[str]
    allowed: Parameters
    denied: Parameters
    required: tuple[str, ...]
    min_wrapping_ttl: float
    max_wrapping_ttl: float
    policies: tuple[str, ...]

    @property
    def granted(self) -> list[str]:
        """What `sys/capabilities` shows: sorted names, `["deny"]` when there are none."""
        return [DENY] if DENY in self.capabilities else sorted(self.capabilities) or [DENY]


class Decision(msgspec.Struct, frozen=True):
    """`reason` is for the operator when not `allowed`; `sudo` tells whether the caller has sudo on the path;
    `rule` is the one that decided, None for root, help and where no rule matched."""

    allowed: bool
    sudo: bool
    reason: str = ""
    rule: Rule | None = None


_BY_ROOT: Final = Decision(True, True)
_HELP: Final = Decision(True, False)
_NO_RULE: Final = Decision(False, False, "no rule matches the path")
_NO_OPERATION: Final = Decision(False, False, "unknown operation")


class _Entry:
    """A rule made ready for deciding."""

    __slots__ = ("limited", "operations", "priority", "rule", "yes")

    def __init__(self, rule: Rule, priority: Priority) -> None:
        self.rule, self.priority = rule, priority
        self.operations = _operations(rule.capabilities)
        self.yes = Decision(True, SUDO in rule.capabilities, "", rule)
        self.limited = bool(
            rule.allowed or rule.denied or rule.required or rule.min_wrapping_ttl or rule.max_wrapping_ttl
        )


@lru_cache(maxsize=256)
def _operations(capabilities: frozenset[str]) -> frozenset[str]:
    denies = DENY in capabilities
    return frozenset(operation for operation, need in NEEDS.items() if need in capabilities and not denies)


class ACL:
    """Made by `Compiled.fitted`. `expires_at` (Unix seconds, or None) is when a stanza ends: compile anew then.

    `base` holds more rules, none of which has a pattern of this one's; the more specific of both decides.
    """

    __slots__ = (
        "_base", "_depth", "_exact", "_index", "_rules", "_segment_patterns", "_starts", "expires_at", "is_root",
    )  # fmt: skip

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        is_root: bool = False,
        expires_at: float | None = None,
        base: ACL | None = None,
    ) -> None:
        self.is_root: Final = is_root
        self.expires_at: Final = expires_at
        self._base: Final = base
        self._rules: Final = tuple(sorted(rules, key=lambda rule: rule.pattern))
        patterns = [classify(rule.pattern) for rule in self._rules]
        entries = [
            (pattern, _Entry(rule, pattern.priority)) for pattern, rule in zip(patterns, self._rules, strict=True)
        ]
        self._exact: Final = {pattern.text: entry for pattern, entry in entries if pattern.kind == "exact"}
        self._index: Final = PatternIndex((pattern, entry) for pattern, entry in entries if pattern.kind != "exact")
        granting = [(pattern, entry) for pattern, entry in entries if entry.rule.granted != [DENY]]
        # Deeper than every pattern, only patterns with a final `*` match.
        deepest = max((len(pattern.segments) for pattern, _ in entries), default=0) + 1
        self._depth: Final[int] = min(max(deepest, base._depth if base else 0), MAX_DEPTH)
        self._starts: Final = sorted(pattern.stem for pattern, _ in granting if pattern.kind != "segments")
        self._segment_patterns: Final = [pattern for pattern, _ in granting if pattern.kind == "segments"]

    def check(
        self,
        operation: str,
        path: str,
        data: Mapping[str, object] | None = None,
        wrap_ttl: float | None = None,
    ) -> Decision:
        """Decides one request.

        `path` is canonical (no leading slash); `data` are the parameters of the request, for a read its query;
        `wrap_ttl` is the wrapping asked for in seconds, None or 0 for none. Never raises.
        """
        if self.is_root:
            return _BY_ROOT
        if operation == "help":
            return _HELP
        entry = self._find_listed(path) if operation in _LISTING else self._find(path)
        if entry is None:
            return _NO_RULE
        if operation not in entry.operations:
            return _refused(entry, operation)
        if not entry.limited:
            return entry.yes
        problem = _wrapping_problem(entry.rule, wrap_ttl or 0) or _data_problem(entry.rule, operation, data or {})
        return Decision(False, entry.yes.sudo, f"{_named(entry.rule)}: {problem}", entry.rule) if problem else entry.yes

    def capabilities(self, path: str) -> list[str]:
        """What `sys/capabilities` answers for a path: sorted names, `["root"]` or `["deny"]`."""
        if self.is_root:
            return [ROOT]
        entry = self._fallback(path.lstrip("/"))
        return entry.rule.granted if entry is not None else [DENY]

    def any_access_below(self, prefix: str) -> bool:
        """Whether anything at or below `prefix` (a mount, ending with a slash) is granted at all."""
        if self.is_root or self._grants(prefix):
            return True
        listed = self._fallback(prefix)
        if listed is not None and not _LISTING.isdisjoint(listed.operations):
            return True
        layers = [self] if self._base is None else [self, self._base]
        for layer in layers:
            at = bisect_left(layer._starts, prefix)
            if at < len(layer._starts) and layer._starts[at].startswith(prefix):
                return True
        witnesses = [overlaps(pattern, prefix) for layer in layers for pattern in layer._segment_patterns]
        witnesses.append(prefix + UNLIKELY)
        return any(
            self._grants(witness + ("/" + UNLIKELY) * further)
            for witness in witnesses
            if witness is not None
            for further in range(self._depth)
        )

    def rules(self) -> Iterator[Rule]:
        """All joined rules by pattern, denials included: for `sys/internal/ui/resultant-acl`."""
        if self._base is None:
            return iter(self._rules)
        return iter(sorted((*self._rules, *self._base._rules), key=lambda rule: rule.pattern))

    def _find(self, path: str) -> _Entry | None:
        return self._plain(path) or self._wild(path)

    def _plain(self, path: str) -> _Entry | None:
        found = self._exact.get(path)
        return self._base._exact.get(path) if found is None and self._base is not None else found

    def _wild(self, path: str) -> _Entry | None:
        found = self._index.find(path)
        other = self._base._index.find(path) if self._base is not None else None
        if found is None or other is None:
            return found or other
        return found if found.priority > other.priority else other

    def _find_listed(self, path: str) -> _Entry | None:
        return self._fallback(path if path.endswith("/") or not path else path + "/")

    def _fallback(self, path: str) -> _Entry | None:
        """As listing looks for a rule: with and without the final slash, the exact rules first."""
        bare = path.removesuffix("/")
        exact = self._plain(path) or self._plain(bare)
        if exact is not None or bare == path:
            return exact or self._wild(path)
        return self._wild(bare) or self._wild(path)

    def _grants(self, path: str) -> bool:
        entry = self._find(path)
        return entry is not None and entry.rule.granted != [DENY]


def _named(rule: Rule) -> str:
    return f'rule "{rule.pattern}" of {", ".join(rule.policies)}'


def _refused(entry: _Entry, operation: str) -> Decision:
    need = NEEDS.get(operation)
    if need is None:
        return _NO_OPERATION
    rule = entry.rule
    granted = ", ".join(rule.granted)
    return Decision(False, entry.yes.sudo, f"{_named(rule)} grants {granted}: {need} is needed", rule)


def _wrapping_problem(rule: Rule, wrap_ttl: float) -> str:
    low, high = rule.min_wrapping_ttl, rule.max_wrapping_ttl
    if not low and not high:
        return ""
    if wrap_ttl <= 0:
        return "the response must be wrapped"
    if high and low > high:
        return "no wrapping TTL satisfies the joined limits"
    if high and wrap_ttl > high:
        return f"wrapping TTL is above {high:g} seconds"
    return f"wrapping TTL is below {low:g} seconds" if wrap_ttl < low else ""


def _data_problem(rule: Rule, operation: str, data: Mapping[str, object]) -> str:
    """Reads are checked by their query, when they have one."""
    if operation not in _WITH_PARAMETERS and not (operation == "read" and data):
        return ""
    return parameter_problem(data, required=rule.required, denied=rule.denied, allowed=rule.allowed)
