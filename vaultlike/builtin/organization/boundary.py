"""The privilege boundary: nobody gives away, or acts on somebody who has, more rights than their own.

Two decision objects are compared path by path: where the rules of either begin, one path stands for all that fit. Who
has `sudo` on the path that was called may go beyond: no generated policy gives it, an operator's can.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice

from msgspec import structs

from vaultlike.builtin.organization.places import METHODS, ORGANIZATION, SECRETS
from vaultlike.builtin.organization.policies import OF_MEMBER, OF_PROJECT
from vaultlike.errors import Boundary
from vaultlike.identity.entity import Entity
from vaultlike.policy.acl import ACL, Rule
from vaultlike.policy.compiled import compile_policies
from vaultlike.policy.model import DENY
from vaultlike.policy.parse import parse
from vaultlike.sdk import Call
from vaultlike.services import Services

OWN = (ORGANIZATION, SECRETS, METHODS)
UNLIKELY = "\x00"  # a segment that no path of a request has
SHOWN = 10  # missing permissions named in one answer


STEPS = 32  # ends of the caller's own rights that are looked at one by one
Later = Callable[[float], Awaitable[ACL]]  # what is left of some rights at a time (Unix seconds)


async def require_acl(services: Services, call: Call, other: ACL, later: Later | None = None) -> None:
    """Raises Boundary unless the caller may do all that `other` allows.

    `later`: what is given outlasts the request. Then what is left of `other` must be the caller's at any later time
    too: who is there for a time gives nobody, themselves included, what lasts longer.
    """
    assert call.caller is not None
    if call.caller.is_root:
        return
    own = await services.acl_of_caller(call.caller)
    if own.check(call.operation, call.mount + call.path, call.data, call.wrap_ttl).sudo:
        return
    _refuse(list(islice(_beyond(own, other), SHOWN)))
    if later is None or own.expires_at is None:
        return
    lasting = await services.acl_of_caller(call.caller, math.inf)
    for _ in range(STEPS):
        if own.expires_at is None or within(lasting, other):
            return
        at = own.expires_at
        own, other = await services.acl_of_caller(call.caller, at), await later(at)
        _refuse(list(islice(_beyond(own, other), SHOWN)))
    _refuse(list(islice(_beyond(lasting, other), SHOWN)))


def _refuse(missing: list[dict[str, object]]) -> None:
    if missing:
        shown = [one for one in missing if str(one["path"]).startswith(OWN)]
        raise Boundary(
            "You cannot give, or act on somebody who has, more privileges than your own",
            reason=f"beyond the caller's own rights: {missing[0]}",
            # what others wrote into policies is not told
            data={"missingPermissions": shown or [{"path": "elsewhere", "capabilities": []}]},
        )


async def require_text(services: Services, call: Call, text: str, *, given: bool = True) -> None:
    """Raises Boundary unless the caller may do all that a policy's text allows; time limits in it are no excuse.

    `given`: the text is what somebody gets; otherwise what somebody has who is acted upon.
    """
    assert call.caller is not None
    if not call.caller.is_root:
        policy = parse("organization", text)
        lasting = structs.replace(
            policy, rules=tuple(structs.replace(rule, expires_at=None) for rule in policy.rules)
        )  # fmt: skip

        async def later(at: float) -> ACL:
            return compile_policies([policy], now=at)

        whole = compile_policies([lasting], now=services.clock.now())
        await require_acl(services, call, whole, later if given else None)


async def require_over(
    services: Services, call: Call, identity: str, *, projects: bool = True, given: bool = False
) -> None:
    """Raises Boundary unless the caller may do all that an identity may.

    Without `projects`, what comes from memberships is left out: for what gives nobody those rights, so that who manages
    identities can always end one. `given`: the caller gets a way to act as the identity.
    """
    assert call.caller is not None
    entity = await services.identity.entity(identity)
    if entity is not None and not call.caller.is_root:
        await _require_entity(services, call, entity, None, projects=projects, given=given)


async def require_metadata(services: Services, call: Call, identity: str, metadata: dict[str, str]) -> None:
    """Raises Boundary unless the caller may do all that an identity with other metadata may: templates of policies
    speak of them."""
    assert call.caller is not None
    entity = await services.identity.entity(identity)
    if entity is not None and not call.caller.is_root:
        changed = structs.replace(entity, body=structs.replace(entity.body, metadata=metadata))
        await _require_entity(services, call, changed, services.clock.now(), projects=False, given=True)


async def _require_entity(
    services: Services, call: Call, entity: Entity, at: float | None, *, projects: bool, given: bool
) -> None:
    names = await services.identity_policies(entity)
    if not projects:
        names = tuple(name for name in names if not name.startswith((OF_PROJECT, OF_MEMBER)))
    if not names:
        return

    async def later(at: float) -> ACL:
        return await services.acl_of(names, entity, at)

    await require_acl(services, call, await services.acl_of(names, entity, at), later if given else None)


def within(own: ACL, other: ACL) -> bool:
    """Whether `own` allows everything that `other` allows."""
    return next(_beyond(own, other), None) is None


def _beyond(own: ACL, other: ACL) -> Iterator[dict[str, object]]:
    """What `other` allows and `own` does not, by pattern. Nothing is beyond root."""
    if own.is_root:
        return
    if other.is_root:
        yield {"path": "*", "capabilities": ["root"]}
        return
    theirs = [rule.pattern for rule in other.rules()]
    # a narrower rule of the caller's may hold less than the wider one that gives the right
    patterns = dict.fromkeys([*theirs, *_near([rule.pattern for rule in own.rules()], theirs)])
    segmented = [pattern for pattern in patterns if "+" in pattern.split("/")]
    patterns |= dict.fromkeys(
        met for one in segmented for pattern in list(patterns) if (met := _meet(one, pattern)) is not None
    )
    deepest = max((pattern.count("/") for pattern in segmented), default=0)
    paths = dict.fromkeys(path for pattern in patterns for path in _witnesses(pattern, deepest))
    for path in paths:
        found = other.check("read", path).rule
        if found is None or DENY in found.capabilities:
            continue
        lacking = [name for name in sorted(found.capabilities) if not _holds(own, name, path)]
        if lacking:
            yield {"path": path.replace(UNLIKELY, "*"), "capabilities": lacking}


def _holds(own: ACL, capability: str, path: str) -> bool:
    """Whether a capability is there without any condition on what is sent with it."""
    rule = own.check("read", path).rule
    if rule is None or DENY in rule.capabilities or capability not in rule.capabilities:
        return False
    return not _conditional(rule)


def _conditional(rule: Rule) -> bool:
    return bool(rule.allowed or rule.denied or rule.required or rule.min_wrapping_ttl or rule.max_wrapping_ttl)


def _near(own: list[str], theirs: list[str]) -> list[str]:
    """Those of the caller's patterns that may meet one of the others: cheap, however many projects a caller is in."""
    heads = sorted({_head(pattern) for pattern in theirs})
    starts = tuple(heads)
    found = []
    for pattern in own:
        head = _head(pattern)
        at = bisect_left(heads, head)
        if head.startswith(starts) or (at < len(heads) and heads[at].startswith(head)):
            found.append(pattern)
    return found


def _head(pattern: str) -> str:
    """What every path that fits begins with."""
    head = pattern.removesuffix("*")
    segments = head.split("/")
    return "/".join([*segments[: segments.index("+")], ""]) if "+" in segments else head


def _witnesses(pattern: str, deepest: int) -> Iterator[str]:
    """Paths that fit a pattern and, likely, no narrower one; below a `*` one for each depth that counts."""
    stem = pattern.removesuffix("*")
    path = "/".join(UNLIKELY if segment == "+" else segment for segment in stem.split("/"))
    if stem == pattern:
        yield path
        return
    path += UNLIKELY
    yield path
    for _ in range(path.count("/"), deepest + 1):
        path += "/" + UNLIKELY
        yield path


def _meet(one: str, other: str) -> str | None:
    """The pattern of what fits both, one of which has `+`; None where nothing does."""
    left, right = one.split("/"), other.split("/")
    met: list[str] = []
    for at in range(max(len(left), len(right))):
        a = left[at] if at < len(left) else None
        b = right[at] if at < len(right) else None
        if a is None or b is None:
            shorter, longer = (left, right) if a is None else (right, left)
            if not shorter[-1].endswith("*"):
                return None
            return "/".join([*met, *longer[at:]])
        joined = _segment(a, b, at == len(left) - 1 and one.endswith("*"), at == len(right) - 1 and other.endswith("*"))
        if joined is None:
            return None
        met.append(joined)
    return "/".join(met)


def _segment(a: str, b: str, a_open: bool, b_open: bool) -> str | None:
    if a_open and b_open:
        start, other = sorted((a[:-1], b[:-1]), key=len)
        return other + "*" if other.startswith(start) else None
    if a_open or b_open:
        start, whole = (a[:-1], b) if a_open else (b[:-1], a)
        if whole == "+":
            return start + UNLIKELY
        return whole if whole.startswith(start) else None
    if a == "+" or b == "+":
        return b if a == "+" else a
    return a if a == b else None
