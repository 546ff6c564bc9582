"""`sys/policies/acl` and its older form `sys/policy` (spec/vault-api.md 2.4). What a policy means is `policy`'s."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.clock import rfc3339
from vaultlike.errors import Invalid
from vaultlike.policy.parse import decode_text
from vaultlike.policy.store import Guard
from vaultlike.sdk import Answer, Call, Reply, delete, list_, read, write
from vaultlike.system.part import Part
from vaultlike.types import Duration, Time

LATEST = 253_402_300_799  # Unix seconds: the last that RFC 3339 can say


class PolicyBody(Struct, kw_only=True):
    """The body of a policy's write."""

    policy: Annotated[str, Meta(description="The policy in HCL or JSON, plain or in base64.")] = ""
    cas: Annotated[
        int | UnsetType, Meta(description="Write only if this is the policy's version now; -1: if there is none.")
    ] = UNSET
    cas_required: Annotated[bool | UnsetType, Meta(description="Whether all later writes must say `cas`.")] = UNSET
    ttl: Annotated[Duration | UnsetType, Meta(description="The policy ends after that time.")] = UNSET
    expiration: Annotated[Time | UnsetType, Meta(description="The policy ends then: RFC 3339 or Unix seconds.")] = UNSET


class OlderPolicyBody(PolicyBody, kw_only=True):
    """The body of the older form."""

    rules: Annotated[str, Meta(description="The old name of `policy`.")] = ""


def policy_name(call: Call) -> str:
    """The policy's name: lower case, without slashes around it. Raises Invalid for an empty one."""
    name = call.params["name"].strip("/").lower()
    if not name:
        raise Invalid("policy name is missing")
    return name


class Policies(Part):
    """The ACL policies of the server."""

    @list_("policies/acl/")
    async def names(self, call: Call) -> dict[str, object]:
        """Lists the names of the policies."""
        return {"keys": await self.services.policies.names()}

    @read("policies/acl/{name:rest}")
    async def one(self, call: Call) -> Answer:
        """Reads a policy as it was written."""
        return await self._shown(policy_name(call), "policy")

    @list_("policies/detailed/acl/")
    async def detailed(self, call: Call) -> dict[str, object]:
        """Lists the names of the policies, each with its version."""
        found = await self.services.policies.versions()
        return {"keys": list(found), "key_info": {name: _guarded(*one) for name, one in found.items()}}

    @write("policies/acl/{name:rest}")
    async def save(self, call: Call, body: PolicyBody) -> Answer:
        """Writes a policy; it counts from the next request on."""
        return await self._save(call, body, body.policy)

    @delete("policies/acl/{name:rest}")
    async def remove(self, call: Call) -> None:
        """Deletes a policy. Fine when there is none."""
        await self.services.policies.delete(policy_name(call))

    # The older form. A plain read of the folder lists too.

    @read("policy", inject=True)
    @list_("policy/", inject=True)
    async def older_names(self, call: Call) -> dict[str, object]:
        """Lists the names of the policies (old form)."""
        names = await self.services.policies.names()
        return {"keys": names, "policies": names}

    @read("policy/{name:rest}", inject=True)
    async def older_one(self, call: Call) -> Answer:
        """Reads a policy (old form)."""
        return await self._shown(policy_name(call), "rules")

    @write("policy/{name:rest}", inject=True)
    async def older_save(self, call: Call, body: OlderPolicyBody) -> Answer:
        """Writes a policy (old form)."""
        if body.policy or not body.rules:
            return await self._save(call, body, body.policy)
        call.warn("'rules' is deprecated, please use 'policy' instead")
        return await self._save(call, body, body.rules)

    @delete("policy/{name:rest}")
    async def older_remove(self, call: Call) -> None:
        """Deletes a policy (old form)."""
        await self.services.policies.delete(policy_name(call))

    async def _shown(self, name: str, key: str) -> Answer:
        """A policy with its text under `key`, and what else was said of it."""
        policy = await self.services.policies.find(name)
        if policy is None:
            return None
        shown: dict[str, object] = {"name": name, key: policy.text}
        guard = await self.services.policies.guard(name)
        return shown if guard is None else {**shown, **_guarded(await self.services.policies.version(name), guard)}

    async def _save(self, call: Call, body: PolicyBody, raw: str) -> Answer:
        name = policy_name(call)
        if call.params["name"].strip("/") != name:
            call.warn(f"policy name was converted to {name}")
        if not raw:
            raise Invalid("'policy' parameter not supplied or empty")
        store = self.services.policies
        cas = None if body.cas is UNSET else body.cas
        required = None if body.cas_required is UNSET else body.cas_required
        await store.save(name, decode_text(raw), cas, required, self._end(body))
        saved = await store.find(name)
        return Reply(warnings=saved.warnings) if saved is not None and saved.warnings else None

    def _end(self, body: PolicyBody) -> float | None:
        """When the policy ends, Unix seconds; None for one that lasts. Raises Invalid where it is said twice."""
        if body.ttl is not UNSET and body.expiration is not UNSET:
            raise Invalid("cannot supply both 'expiration' and 'ttl' for policies")
        if body.ttl is not UNSET:
            return self.services.clock.now() + body.ttl
        if body.expiration is UNSET:
            return None
        if body.expiration > LATEST:
            raise Invalid("'expiration' is after the year 9999")
        return body.expiration


def _guarded(version: int, guard: Guard | None) -> dict[str, object]:
    shown: dict[str, object] = {"version": version, "cas_required": guard is not None and guard.required}
    if guard is not None and guard.expires_at is not None:
        shown["expiration"] = rfc3339(guard.expires_at)
    return shown
