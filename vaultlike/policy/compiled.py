"""From policies to a decision object: what all callers share is compiled once, what names the caller on top of it.

Owns the joining of stanzas (spec/vault-api.md 5.2); deciding is `acl`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from vaultlike.errors import PermissionDenied
from vaultlike.hcl import Value
from vaultlike.policy.acl import ACL, ROOT, Rule
from vaultlike.policy.model import DENY, PathRule, Policy
from vaultlike.policy.parameters import merge_parameters
from vaultlike.policy.patterns import classify
from vaultlike.policy.template import Facts, is_template, render

_Stanza = tuple[str, PathRule]  # with the name of its policy
_Stanzas = dict[str, list[_Stanza]]  # by pattern


class Compiled:
    """A set of policies made ready once for all callers: what depends on the caller is added by `fitted`.

    `now` is Unix time in seconds, for stanzas that expire. `root` may only stand alone (it is a token's, never an
    identity's): PermissionDenied otherwise.
    """

    __slots__ = ("_acl", "_stanzas", "_templated")

    def __init__(self, policies: Iterable[Policy], *, now: float) -> None:
        policies = tuple(policies)
        is_root = any(policy.name == ROOT for policy in policies)
        if is_root and len(policies) > 1:
            raise PermissionDenied(reason="policy root together with other policies")
        stanzas = [(policy.name, rule) for policy in policies for rule in policy.rules]
        self._templated: Final = tuple(stanza for stanza in stanzas if is_template(stanza[1].path))
        lasting, expires_at = _lasting((stanza for stanza in stanzas if not is_template(stanza[1].path)), now)
        self._stanzas: Final[_Stanzas] = {}
        for stanza in lasting:
            self._stanzas.setdefault(stanza[1].path, []).append(stanza)
        self._acl: Final = ACL(_joined(self._stanzas), is_root=is_root, expires_at=expires_at)

    @property
    def expires_at(self) -> float | None:
        """When what all callers share ends."""
        return self._acl.expires_at

    @property
    def templated(self) -> bool:
        """Whether callers differ."""
        return bool(self._templated)

    def fitted(self, facts: Facts | None, *, now: float) -> ACL:
        """The decision object of one caller, at a cost of the templated stanzas alone.

        `facts` fill in templates; None for a caller without an entity, whose templated stanzas do not count.
        """
        lasting, expires_at = _lasting(self._templated, now)
        own: _Stanzas = {}
        for stanza in lasting:
            path = render(stanza[1].path, facts)
            if path is not None:
                own.setdefault(path, []).append(stanza)
        shared = self._acl.expires_at
        if shared is not None:
            expires_at = shared if expires_at is None else min(expires_at, shared)
        if not own and expires_at == shared:
            return self._acl
        if own.keys() & self._stanzas.keys():  # stanzas of one pattern are one rule
            both = {path: own.get(path, []) + self._stanzas.get(path, []) for path in own | self._stanzas}
            return ACL(_joined(both), expires_at=expires_at)
        return ACL(_joined(own), expires_at=expires_at, base=self._acl)


def compile_policies(policies: Iterable[Policy], facts: Facts | None = None, *, now: float) -> ACL:
    """One decision object of a caller's policies, for once: see `Compiled`."""
    return Compiled(policies, now=now).fitted(facts, now=now)


def _lasting(stanzas: Iterable[_Stanza], now: float) -> tuple[list[_Stanza], float | None]:
    """The stanzas that have not ended, and when the first of them will."""
    lasting = [stanza for stanza in stanzas if stanza[1].expires_at is None or stanza[1].expires_at > now]
    return lasting, min((rule.expires_at for _, rule in lasting if rule.expires_at is not None), default=None)


def _joined(stanzas: _Stanzas) -> Iterator[Rule]:
    return (_join(path, found) for path, found in stanzas.items())


def _join(path: str, stanzas: list[_Stanza]) -> Rule:
    """Spec 5.2: capabilities add up, any deny wins, parameter maps add up, of the times the smaller that is set."""
    rules = [rule for _, rule in stanzas]
    capabilities = frozenset(name for rule in rules for name in rule.capabilities)
    allowed: dict[str, tuple[Value, ...]] = merge_parameters(rule.allowed for rule in rules)
    return Rule(
        pattern=path,
        kind=classify(path).kind,
        capabilities=frozenset((DENY,)) if DENY in capabilities else capabilities,
        allowed=allowed,
        denied=merge_parameters(rule.denied for rule in rules),
        required=tuple(sorted({name for rule in rules for name in rule.required})),
        min_wrapping_ttl=min((rule.min_wrapping_ttl for rule in rules if rule.min_wrapping_ttl), default=0),
        max_wrapping_ttl=min((rule.max_wrapping_ttl for rule in rules if rule.max_wrapping_ttl), default=0),
        policies=tuple(sorted({name for name, _ in stanzas})),
    )
