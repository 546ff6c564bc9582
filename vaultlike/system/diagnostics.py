"""What operators look at when something is odd: requests under way, the router's table, and an honest word on what
there is not (spec/vault-api.md 2.9, 2.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.clock import rfc3339
from vaultlike.errors import Invalid, NotBuilt, NotFound
from vaultlike.mounts.entry import MountEntry
from vaultlike.sdk import Answer, Call, Raw, read, write
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.system.seal import bare
from vaultlike.system.under_way import UnderWay

TAGS = ("root", "uuid", "accessor", "storage")
HIERARCHY = "within_namespace_hierarchy"


METHODS = {
    "read": "GET", "list": "LIST", "scan": "SCAN", "write": "POST", "patch": "PATCH", "delete": "DELETE",
    "help": "GET", "header": "HEAD",
}  # fmt: skip


class GroupPolicyBody(Struct, kw_only=True):
    """For whom policies of groups count."""

    group_policy_application_mode: Annotated[str, Meta(description="within_namespace_hierarchy.")] = ""


class Diagnostics(Part):
    """Looks inside the server."""

    def __init__(self, services: Services, under_way: Mapping[str, UnderWay]) -> None:
        super().__init__(services)
        self._under_way = under_way

    @read("in-flight-req")
    async def in_flight(self, call: Call) -> Raw:
        """Shows the requests that this process is answering."""
        shown = {
            key: {
                "start_time": rfc3339(one.started_at),
                "client_remote_address": one.remote,
                "request_path": "/v1/" + one.path,
                "request_method": METHODS.get(one.verb, "GET"),
                "client_id": call.caller.entity_id if call.caller is not None and key == call.id else "",
            }
            for key, one in self._under_way.items()
        }
        return bare(shown)

    @read("internal/inspect/router/{tag}", sudo=True)
    async def router(self, call: Call) -> dict[str, object]:
        """Shows the mounts as the router finds them: by path (`root`), uuid, accessor or place in the storage."""
        tag = call.params["tag"]
        if tag not in TAGS:
            raise Invalid(f'unknown tag "{tag[:64]}": {", ".join(TAGS)}')
        rows = [self._row(tag, mount.entry, mount.backend is None) for mount in self.services.router.mounts()]
        return {tag: sorted(rows, key=lambda row: str(row["name"]))}

    def _row(self, tag: str, entry: MountEntry, broken: bool) -> dict[str, object]:
        names = {"root": entry.path, "uuid": entry.uuid, "accessor": entry.accessor, "storage": entry.storage_prefix}
        return {
            "name": names[tag],
            "mount_namespace": self.services.namespace.path,
            "mount_path": entry.path,
            "mount_type": entry.kind,
            "mount_uuid": entry.uuid,
            "mount_accessor": entry.accessor,
            "storage_prefix": entry.storage_prefix,
            "tainted": broken,
        }

    @read("config/group-policy-application", sudo=True)
    async def group_policies(self, call: Call) -> dict[str, object]:
        """Shows for whom policies of groups count: entities of the group's namespace and those below it."""
        return {"group_policy_application_mode": HIERARCHY}

    @write("config/group-policy-application", sudo=True)
    async def set_group_policies(self, call: Call, body: GroupPolicyBody) -> Answer:
        """Refused unless it says what is so: policies of groups count within the hierarchy of namespaces."""
        if not body.group_policy_application_mode:
            raise Invalid("group_policy_application_mode is required")
        if body.group_policy_application_mode not in (HIERARCHY, "any"):
            raise Invalid(f'unknown mode "{body.group_policy_application_mode[:64]}"')
        if body.group_policy_application_mode != HIERARCHY:
            raise NotBuilt("policies of groups count within the hierarchy of namespaces, nothing else is implemented")
        return None

    @read("pprof")
    @read("pprof/{name:any}")
    async def profiles(self, call: Call) -> None:
        """Refused: pprof is for programs in Go."""
        raise NotBuilt("there are no pprof profiles: this server is not a Go program")

    @read("internal/ui/feature-flags", open=True)
    async def flags(self, call: Call) -> Raw:
        """There are no feature flags."""
        return bare({"feature_flags": []})

    @read("internal/ui/unauthenticated-messages", open=True)
    @read("internal/ui/authenticated-messages")
    async def messages(self, call: Call) -> None:
        """There are no messages for people: 404, as where none is set."""
        raise NotFound
