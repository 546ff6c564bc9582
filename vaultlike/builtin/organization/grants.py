"""Rights of a role as patterns of paths, and several roles joined into one policy text. Knows no subject, no storage.

Of a policy only the most specific pattern counts for a path (spec/vault-api.md 5.2), but roles add up: so every pattern
repeats what wider ones give. The patterns here nest or have nothing in common (`x/*`, `x/+`, `x`), never overlap half.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from vaultlike.clock import rfc3339
from vaultlike.errors import Invalid

READ = frozenset(("read",))
LIST = frozenset(("list",))
LOOK = READ | LIST
WRITE = frozenset(("create", "update"))
CHANGE = frozenset(("update", "patch"))
DELETE = frozenset(("delete",))
ALL = LOOK | WRITE | CHANGE | DELETE
NOTHING: frozenset[str] = frozenset()
MAX_STANZAS = 2000  # of one policy
HEADER = "# Written by the organization's mount, and written anew whenever a role or a membership changes.\n"


class Grant(Struct, frozen=True):
    """Capabilities below a pattern; `inverted` takes them away."""

    pattern: str
    capabilities: frozenset[str]
    inverted: bool = False


class Share(Struct, frozen=True):
    """What one role of somebody comes to, until `ends_at` (Unix seconds; None: for good)."""

    grants: tuple[Grant, ...]
    ends_at: float | None = None


def covers(outer: str, inner: str) -> bool:
    """Whether every path that fits `inner` fits `outer` too."""
    if outer == inner:
        return True
    wanted, found = outer.split("/"), inner.split("/")
    if outer.endswith("*"):
        if len(found) < len(wanted) or not found[len(wanted) - 1].startswith(wanted[-1][:-1]):
            return False
        return all(one in ("+", other) for one, other in zip(wanted[:-1], found, strict=False))
    if len(found) != len(wanted) or inner.endswith("*"):
        return False
    return all(one in ("+", other) for one, other in zip(wanted, found, strict=True))


def policy_text(shares: Iterable[Share]) -> str:
    """The policy of somebody who has all these shares.

    Taking away wins over giving, whichever role it stands in. Raises Invalid where a policy cannot say it: a share that
    ends and takes something away, beside others.
    """
    shares = tuple(shares)
    ending = [grant for share in shares if share.ends_at is not None for grant in share.grants]
    if len(shares) > 1 and any(grant.inverted for grant in ending):
        raise Invalid("no policy can say a temporary role with inverted permissions beside other roles")
    patterns = sorted({grant.pattern for share in shares for grant in share.grants})
    if len(patterns) * len(shares) > MAX_STANZAS:
        raise Invalid(f"these roles need more than {MAX_STANZAS} rules")
    takes = _Reach(grant for share in shares for grant in share.grants if grant.inverted)
    gives = [(share.ends_at, _Reach(grant for grant in share.grants if not grant.inverted)) for share in shares]
    lines = [HEADER]
    for pattern in patterns:
        taken = takes.of(pattern)
        stanzas: dict[float | None, frozenset[str]] = {}
        for ends_at, reach in gives:
            if left := reach.of(pattern) - taken:
                stanzas[ends_at] = stanzas.get(ends_at, NOTHING) | left
        lasting = stanzas.get(None, NOTHING)
        for ends_at, capabilities in stanzas.items():
            if ends_at is None or capabilities - lasting:
                lines.append(_stanza(pattern, sorted(capabilities), ends_at))
        if not stanzas and taken:
            lines.append(_stanza(pattern, ["deny"], None))
    return "".join(lines)


class _Reach:
    """What several grants come to at a pattern: those of all that cover it, found by its own segments."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._plain: dict[str, frozenset[str]] = {}
        self._odd: list[Grant] = []  # with a wildcard elsewhere than in place of the last segment
        for grant in grants:
            *inner, last = grant.pattern.split("/")
            if "+" in inner or (last.endswith("*") and last != "*"):
                self._odd.append(grant)
            else:
                self._plain[grant.pattern] = self._plain.get(grant.pattern, NOTHING) | grant.capabilities

    def of(self, pattern: str) -> frozenset[str]:
        """The capabilities that hold for all that fits a pattern."""
        segments = pattern.split("/")
        outer = ["/".join([*segments[:at], "*"]) for at in range(1, len(segments))]
        if segments[-1] not in ("*", "+"):
            outer.append("/".join([*segments[:-1], "+"]))
        found = [self._plain[one] for one in {pattern, *outer} if one in self._plain]
        found += [grant.capabilities for grant in self._odd if covers(grant.pattern, pattern)]
        return NOTHING.union(*found)


def _stanza(pattern: str, capabilities: list[str], ends_at: float | None) -> str:
    granted = ", ".join(f'"{name}"' for name in capabilities)
    until = f'  expiration = "{rfc3339(ends_at)}"\n' if ends_at is not None else ""
    return f'path "{pattern}" {{\n  capabilities = [{granted}]\n{until}}}\n'
