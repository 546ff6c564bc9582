"""What the roles of a project come to in paths: the built-in ones, and permissions of custom ones.

The paths that a caller's policies are asked about (`<id>` a project's, `<folders>` none or several segments):

    organization/projects/<id>                                      the project itself
    organization/projects/<id>/{environments,roles,members,tags}  its parts, each also below its own name
    organization/projects/<id>/folders/<environment>/<folders>/<name>
    organization/projects/<id>/imports/<environment>/<folders>/<import>
    organization-secrets/{data,metadata,delete,undelete,destroy,subkeys}/<id>/<environment>/<folders>/<name>

A condition on environments is settled against those that the project has, so a new one writes the policies anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vaultlike.builtin.organization.grants import ALL, CHANGE, DELETE, LIST, LOOK, READ, WRITE, Grant
from vaultlike.builtin.organization.permissions import Condition, Permission, plain, refuse
from vaultlike.builtin.organization.places import ORGANIZATION, SECRETS
from vaultlike.builtin.organization.projects import Project
from vaultlike.sdk.picomatch import fits_picomatch

ADMIN, MEMBER, VIEWER, NO_ACCESS = "admin", "member", "viewer", "no-access"
BUILT_IN = {
    ADMIN: ("Admin", "Everything in the project."),
    MEMBER: ("Developer", "Reads and writes secrets, folders and imports; sees the rest."),
    VIEWER: ("Viewer", "Reads everything, changes nothing."),
    NO_ACCESS: ("No Access", "Nothing."),
}
_UPDATE = frozenset(("update",))

# action -> what of a secret's paths it needs
_SECRETS: dict[str, dict[str, frozenset[str]]] = {
    "read": {"data": READ, "metadata": LOOK, "subkeys": READ},
    "readValue": {"data": READ, "subkeys": READ},
    "describeSecret": {"metadata": LOOK},
    "create": {"data": frozenset(("create",)), "metadata": frozenset(("create",))},
    "edit": {"data": CHANGE, "metadata": CHANGE, "undelete": _UPDATE},
    "delete": {"data": DELETE, "metadata": DELETE, "delete": _UPDATE, "destroy": _UPDATE},
}
# the same of what lies in a folder beside the secrets
_FOLDERS: dict[str, frozenset[str]] = {"read": LOOK, "create": WRITE, "edit": WRITE | CHANGE, "delete": DELETE}
_TREES = {"secret-folders": "folders", "secret-imports": "imports"}
_PARTS = {"environments": "environments", "role": "roles", "identity": "members", "tags": "tags"}
# action -> where a part is made and listed, and one of them; a membership is made at its own place
_OF_PART: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "read": (LOOK, LOOK),
    "create": (WRITE, frozenset()),
    "edit": (frozenset(), CHANGE),
    "delete": (frozenset(), DELETE),
}
_OF_MEMBERS = _OF_PART | {"create": (frozenset(), WRITE), "edit": (frozenset(), frozenset(("patch",)))}
_ITSELF = {
    "settings": {"read": READ, "edit": CHANGE},
    "workspace": {"read": READ, "edit": CHANGE, "delete": DELETE},
}
_KNOWN = ("secrets", *_TREES, *_PARTS, *_ITSELF)
MAX_GRANTS = 4000  # of one role
_WHERE = ("environment", "secretPath", "secretName")


def grants_of_builtin(project: Project, role: str) -> tuple[Grant, ...]:
    """The rights of a built-in role."""
    itself = f"{ORGANIZATION}projects/{project.id}"
    if role == ADMIN:
        return (
            Grant(itself, READ | CHANGE | DELETE),
            Grant(f"{itself}/*", ALL),
            *(Grant(f"{SECRETS}{kind}/{project.id}/*", needs) for kind, needs in _secret_needs(*_SECRETS).items()),
        )
    if role == MEMBER:
        return (
            Grant(itself, READ),
            Grant(f"{itself}/*", LOOK),
            *(Grant(f"{itself}/{tree}/*", ALL) for tree in (*_TREES.values(), "tags")),
            Grant(f"{itself}/tags", ALL),
            *(Grant(f"{SECRETS}{kind}/{project.id}/*", needs) for kind, needs in _secret_needs(*_SECRETS).items()),
        )
    if role == VIEWER:
        return (
            Grant(itself, READ),
            Grant(f"{itself}/*", LOOK),
            *(Grant(f"{SECRETS}{kind}/{project.id}/*", needs) for kind, needs in _secret_needs("read").items()),
        )
    return ()


def grants_of(project: Project, permissions: tuple[Permission, ...]) -> tuple[Grant, ...]:
    """The rights of a custom role. Raises Invalid for what no policy can say, with the reason."""
    itself = Grant(f"{ORGANIZATION}projects/{project.id}", READ)  # whoever is in a project may see what it is
    found = [itself]
    for one in permissions:
        for grant in _grants(project, one):
            found.append(grant)
            if len(found) > MAX_GRANTS:
                raise refuse(one, f"the role comes to more than {MAX_GRANTS} rules; say it with fewer values")
    return tuple(found)


def _secret_needs(*actions: str) -> dict[str, frozenset[str]]:
    needs: dict[str, frozenset[str]] = {}
    for action in actions:
        for kind, capabilities in _SECRETS[action].items():
            needs[kind] = needs.get(kind, frozenset()) | capabilities
    return needs


def _grants(project: Project, one: Permission) -> Iterator[Grant]:
    if one.subject == "secrets":
        _check_actions(one, _SECRETS)
        for kind, capabilities in _secret_needs(*one.actions).items():
            for place in _places(project, one):
                # to list one level deep is to list the folders inside; the folder itself has a grant of its own
                told = capabilities if place.endswith("*") else capabilities - LIST
                yield Grant(f"{SECRETS}{kind}/{project.id}/{place}", told, one.inverted)
        if "list" in frozenset[str]().union(*_secret_needs(*one.actions).values()):
            for folder in _folders(project, one):
                yield Grant(f"{SECRETS}metadata/{project.id}/{folder}", LIST, one.inverted)
    elif one.subject in _TREES:
        capabilities = _capabilities(one, _FOLDERS)
        for place in _places(project, one):
            tree = f"{ORGANIZATION}projects/{project.id}/{_TREES[one.subject]}"
            yield Grant(f"{tree}/{place}", capabilities, one.inverted)
    elif one.subject in _PARTS:
        yield from _of_part(project, one)
    elif one.subject in _ITSELF:
        if one.conditions:
            raise refuse(one, "takes no conditions here")
        capabilities = _capabilities(one, _ITSELF[one.subject])
        yield Grant(f"{ORGANIZATION}projects/{project.id}", capabilities, one.inverted)
    else:
        raise refuse(one, f"this server has nothing of that kind; it knows {', '.join(_KNOWN)}")


def _of_part(project: Project, one: Permission) -> Iterator[Grant]:
    """Environments, roles and memberships."""
    part = f"{ORGANIZATION}projects/{project.id}/{_PARTS[one.subject]}"
    needs = _OF_MEMBERS if one.subject == "identity" else _OF_PART
    _check_actions(one, needs)
    inside = frozenset[str]().union(*(needs[action][1] for action in one.actions))
    if not one.conditions:
        outside = frozenset[str]().union(*(needs[action][0] for action in one.actions))
        yield from (
            Grant(pattern, capabilities, one.inverted)
            for pattern, capabilities in ((part, outside), (f"{part}/*", inside))
            if capabilities
        )
        return
    for condition in one.conditions:
        if one.subject != "identity" or condition.field != "identityId" or condition.operator not in ("$eq", "$in"):
            raise refuse(one, "the only conditions here are $eq and $in on the identityId of an identity")
        for value in condition.values:
            if not plain(value):
                raise refuse(one, "an identityId is an identity's id")
            yield Grant(f"{part}/{value}", inside - LIST, one.inverted)


def _check_actions(one: Permission, known: Mapping[str, object]) -> None:
    for action in one.actions:
        if action not in known:
            raise refuse(one, f"unknown action; here are {', '.join(known)}")


def _capabilities(one: Permission, known: dict[str, frozenset[str]]) -> frozenset[str]:
    _check_actions(one, known)
    return frozenset[str]().union(*(known[action] for action in one.actions))


# Places: environment, folder, name


def _places(project: Project, one: Permission) -> list[str]:
    """The patterns below a project's id that the conditions leave."""
    if not one.conditions:
        return ["*"]
    names, scopes = _names(one), _scopes(project, one)
    found: list[str] = []
    if len(scopes) * len(names or (1,)) > MAX_GRANTS:
        raise refuse(one, f"comes to more than {MAX_GRANTS} rules; say it with fewer values")
    for folder, deep in scopes:
        if names is None:
            found.append(folder + ("*" if deep else "+"))
        elif deep:
            raise refuse(one, "a secretName needs a secretPath that is one folder: no policy can say it of any folder")
        else:
            found += [folder + name for name in names]
    return found


def _folders(project: Project, one: Permission) -> list[str]:
    """The folders that may be listed themselves, where they are not inside of what the patterns cover."""
    return [] if not one.conditions else [folder for folder, _ in _scopes(project, one)]


def _scopes(project: Project, one: Permission) -> list[tuple[str, bool]]:
    """`<environment>/<folders>/`, and whether what is below them counts too."""
    for condition in one.conditions:
        if condition.field not in _WHERE:
            raise refuse(one, f"no policy can say a condition on '{condition.field[:64]}'; use {', '.join(_WHERE)}")
    slugs = [
        environment.slug
        for environment in project.environments
        if all(_fits(condition, environment.slug) for condition in one.conditions if condition.field == "environment")
    ]
    paths = _paths(one)
    return [(f"{slug}/{path}", deep) for slug in slugs for path, deep in paths]


def _fits(condition: Condition, value: str) -> bool:
    if condition.operator == "$glob":
        return any(fits_picomatch(pattern, value) for pattern in condition.values)
    return (value in condition.values) != (condition.operator == "$ne")


def _paths(one: Permission) -> list[tuple[str, bool]]:
    """The folders that the conditions name: "" or `a/b/`, and whether all below counts too."""
    conditions = [condition for condition in one.conditions if condition.field == "secretPath"]
    if not conditions:
        return [("", True)]
    if len(conditions) > 1:
        raise refuse(one, "several operators on secretPath: no policy can say it, make two permissions of it")
    (condition,) = conditions
    if condition.operator == "$ne":
        raise refuse(one, "no policy can say $ne on secretPath; use an inverted permission")
    found = []
    for value in condition.values:
        deep = False
        if condition.operator == "$glob":
            if value in ("**", "/**"):
                found.append(("", True))
                continue
            deep, value = value.endswith("/**"), value.removesuffix("/**")
        segments = [segment for segment in value.split("/") if segment]
        if not value.startswith("/") or not all(plain(segment) for segment in segments):
            raise refuse(
                one, "no policy can say this secretPath; it is /folder, /folder/inner, or $glob of /folder/** or /**"
            )
        found.append(("".join(f"{segment}/" for segment in segments), deep))
    return found


def _names(one: Permission) -> tuple[str, ...] | None:
    """The names of secrets that the conditions leave; None for any."""
    found: tuple[str, ...] | None = None
    for condition in one.conditions:
        if condition.field != "secretName":
            continue
        if condition.operator == "$glob" and set(condition.values) <= {"*", "**"}:
            continue
        if condition.operator == "$ne" or not all(plain(value) for value in condition.values):
            raise refuse(one, "no policy can say this secretName; use $eq or $in with whole names")
        found = condition.values if found is None else tuple(name for name in found if name in condition.values)
    return found
