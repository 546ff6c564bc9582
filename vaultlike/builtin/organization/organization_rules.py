"""What the roles of an organization come to in paths: the built-in ones, and permissions of custom ones.

They reach the organization itself, its identities with their methods, its roles, and the making of projects. What is
inside a project comes from a membership in it. Nothing here gives `sudo`.
"""

from __future__ import annotations

from vaultlike.builtin.organization.grants import ALL, CHANGE, DELETE, LIST, LOOK, READ, WRITE, Grant
from vaultlike.builtin.organization.permissions import Permission, refuse
from vaultlike.builtin.organization.places import METHODS, ORGANIZATION

ADMIN, MEMBER, NO_ACCESS = "admin", "member", "no-access"
BUILT_IN = {
    ADMIN: ("Admin", "Manages identities, their ways to log in, roles, and makes projects."),
    MEMBER: ("Member", "Sees the organization and its roles, and makes projects."),
    NO_ACCESS: ("No Access", "Nothing."),
}
_CONFIG = f"{ORGANIZATION}config"
_IDENTITIES = f"{ORGANIZATION}identities"
_SEARCH = f"{ORGANIZATION}identities-search"
_ROLES = f"{ORGANIZATION}roles"
_PROJECTS = f"{ORGANIZATION}projects"

# subject -> action -> grants
_SUBJECTS: dict[str, dict[str, tuple[Grant, ...]]] = {
    "identity": {
        "read": (Grant(_IDENTITIES, LIST), Grant(f"{_IDENTITIES}/*", LOOK), Grant(_SEARCH, WRITE)),
        "create": (Grant(_IDENTITIES, WRITE),),
        "edit": (Grant(f"{_IDENTITIES}/*", WRITE | CHANGE),),
        "delete": (Grant(f"{_IDENTITIES}/*", DELETE),),
    },
    "role": {
        "read": (Grant(_ROLES, LIST), Grant(f"{_ROLES}/*", READ)),
        "create": (Grant(_ROLES, WRITE),),
        "edit": (Grant(f"{_ROLES}/*", CHANGE),),
        "delete": (Grant(f"{_ROLES}/*", DELETE),),
    },
    "workspace": {
        "read": (Grant(_PROJECTS, LIST),),
        "create": (Grant(_PROJECTS, WRITE | LIST),),
    },
    "settings": {"read": (Grant(_CONFIG, READ),), "edit": (Grant(_CONFIG, CHANGE | WRITE),)},
}
_ADMIN = (
    Grant(_CONFIG, READ | WRITE | CHANGE),
    Grant(_IDENTITIES, WRITE | LIST),
    Grant(f"{_IDENTITIES}/*", ALL),
    Grant(_SEARCH, WRITE),
    Grant(_ROLES, WRITE | LIST),
    Grant(f"{_ROLES}/*", ALL),
    Grant(_PROJECTS, WRITE | LIST),
    Grant(f"{_PROJECTS}/+", READ),  # so that what is gone is "not found", not "forbidden"
    *(Grant(f"{_PROJECTS}/+/{part}/+", READ) for part in ("members", "roles", "environments")),
    Grant(f"{METHODS}*", LOOK),
)
_MEMBER = (
    Grant(_CONFIG, READ),
    Grant(_ROLES, LIST),
    Grant(f"{_ROLES}/*", READ),
    Grant(_PROJECTS, WRITE | LIST),
)


def grants_of_builtin(role: str) -> tuple[Grant, ...]:
    """The rights of a built-in role."""
    return {ADMIN: _ADMIN, MEMBER: _MEMBER}.get(role, ())


def grants_of(permissions: tuple[Permission, ...]) -> tuple[Grant, ...]:
    """The rights of a custom role. Raises Invalid for what this server cannot say, with the reason."""
    found: list[Grant] = []
    for one in permissions:
        known = _SUBJECTS.get(one.subject)
        if known is None:
            raise refuse(one, f"this server has nothing of that kind; it knows {', '.join(_SUBJECTS)}")
        if one.conditions:
            raise refuse(one, "takes no conditions here")
        for action in one.actions:
            if action not in known:
                raise refuse(one, f"unknown action; here are {', '.join(known)}")
            found += [Grant(each.pattern, each.capabilities, one.inverted) for each in known[action]]
    return tuple(found)
