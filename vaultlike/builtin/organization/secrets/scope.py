"""Which folder of which environment a request is about, and what its caller may do there.

Every question goes to the caller's ACL about the same kv paths that `/v1` would ask about, so that a token may do the
same by either API. Owns no secrets.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vaultlike.builtin.organization.places import ORGANIZATION, SECRETS
from vaultlike.builtin.organization.projects import Environment, Project, resolve_project
from vaultlike.builtin.organization.secrets.names import folder_of
from vaultlike.builtin.organization.secrets.wire import Whose
from vaultlike.engines.kv import Kv
from vaultlike.engines.kv.versioned import Versioned
from vaultlike.errors import Invalid, NotFound, PermissionDenied, Unavailable
from vaultlike.policy.acl import ACL
from vaultlike.sdk import Call, Storage
from vaultlike.services import Services

DATA = SECRETS + "data/"
METADATA = SECRETS + "metadata/"


def secrets_of(services: Services) -> Versioned:
    """The kv engine that keeps the organization's secrets. Raises Unavailable where there is none."""
    mount = services.router.at(SECRETS)
    backend = mount.backend if mount is not None else None
    if not isinstance(backend, Kv) or backend.versioned is None:
        raise Unavailable("the secrets are unavailable", reason=f"{SECRETS} is no kv mount of version 2")
    return backend.versioned


class Rights:
    """What one caller may do with kv secrets, by their path in the mount."""

    __slots__ = ("_acl",)

    def __init__(self, acl: ACL) -> None:
        self._acl = acl

    def may(self, operation: str, path: str, data: Mapping[str, object] | None = None) -> bool:
        """Whether `/v1` would let the caller do this with the data at `path`."""
        return self._acl.check(operation, DATA + path, data).allowed

    def require(self, operation: str, path: str, data: Mapping[str, object] | None = None) -> None:
        """Raises PermissionDenied unless the caller may."""
        decision = self._acl.check(operation, DATA + path, data)
        if not decision.allowed:
            raise PermissionDenied(reason=f"policies do not allow {operation} on {DATA}{path}: {decision.reason}")

    def allows(self, operation: str, path: str) -> bool:
        """Whether the caller's policies allow this on any path, such as one of the organization's own."""
        return self._acl.check(operation, path).allowed

    def demand(self, operation: str, path: str) -> None:
        """Raises PermissionDenied unless `allows`."""
        decision = self._acl.check(operation, path)
        if not decision.allowed:
            raise PermissionDenied(reason=f"policies do not allow {operation} on {path}: {decision.reason}")

    def inside(self, project: str) -> bool:
        """Whether the caller has any right at all in a project, by its id."""
        places = (f"{DATA}{project}/", f"{METADATA}{project}/", f"{ORGANIZATION}projects/{project}")
        return any(map(self._acl.any_access_below, places))

    def may_list(self, folder: str) -> bool:
        """Whether `/v1` would tell the caller the names in a folder."""
        return self._acl.check("list", METADATA + folder).allowed

    def require_list(self, folder: str) -> None:
        """Raises PermissionDenied unless the caller may list."""
        decision = self._acl.check("list", METADATA + folder)
        if not decision.allowed:
            raise PermissionDenied(reason=f"policies do not allow list on {METADATA}{folder}: {decision.reason}")


class Scope(Struct, frozen=True):
    """One folder (`a/b/`, "" for the root) of an environment."""

    project: Project
    environment: Environment
    folder: str
    rights: Rights

    @property
    def root(self) -> str:
        """Where the environment's secrets lie in the kv mount."""
        return f"{self.project.id}/{self.environment.slug}/"

    @property
    def base(self) -> str:
        """Where the folder's secrets lie in the kv mount."""
        return f"{self.project.id}/{self.environment.slug}/{self.folder}"

    def at(self, folder: str, environment: Environment | None = None) -> Scope:
        """The same caller in another folder of the project."""
        return Scope(self.project, environment or self.environment, folder, self.rights)


async def rights_of(services: Services, call: Call) -> Rights:
    """What the caller of a request may do."""
    assert call.caller is not None  # no path of ours is open
    return Rights(await services.acl_of_caller(call.caller))


async def scope_of(services: Services, storage: Storage, call: Call, whose: Whose, path: str) -> Scope:
    """What a request is about. Raises Invalid, NotFound, or PermissionDenied where that would tell too much."""
    identity, slug = whose.project_id or whose.workspace_id, whose.project_slug or whose.workspace_slug
    if not (identity or slug) or not whose.environment:
        raise Invalid("Missing project id or environment")
    rights = await rights_of(services, call)
    folder = folder_of(path)
    try:
        project = await resolve_project(storage, identity, slug)
        identity = project.id
        if not rights.inside(identity):  # whatever else is wrong would tell that the project is there
            raise PermissionDenied(reason=f"policies do not allow anything in the project {identity}")
        environment = project.environment(whose.environment)
    except NotFound:
        # what there is not is told to those alone who might see what there were
        place = f"{identity or slug}/{whose.environment}/"
        if rights.may("read", place + "x") or rights.may_list(place):
            raise
        raise PermissionDenied(reason=f"policies do not allow anything on {DATA}{place}") from None
    return Scope(project, environment, folder, rights)
