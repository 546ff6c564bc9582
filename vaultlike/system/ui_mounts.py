"""`sys/internal/ui/*`: what clients ask before they know anything: mounts, the kv preflight of the command line, rights
(spec/vault-api.md 2.9). Open paths that check the token themselves.
"""

from __future__ import annotations

from vaultlike.errors import Denied
from vaultlike.mounts.entry import MountEntry, shown
from vaultlike.policy.acl import ACL
from vaultlike.sdk import Call, read
from vaultlike.settings import VERSION
from vaultlike.system.bearer import bearer, presented
from vaultlike.system.part import Part


class UiMounts(Part):
    """What the web page and the command line ask for."""

    @read("internal/ui/mounts", open=True)
    async def visible(self, call: Call) -> dict[str, object]:
        """Lists the mounts a token may use; without a token those that are shown to everybody."""
        found: dict[str, dict[str, object]] = {"auth": {}, "secret": {}}
        acl = await self._acl(call) if presented(call) else None
        for mount in self.services.router.mounts():
            entry = mount.entry
            group = found["auth" if entry.auth else "secret"]
            public = entry.config.listing_visibility == "unauth"
            if acl is None:
                if public:
                    group[entry.shown_path] = _brief(entry)
            elif public or acl.any_access_below(entry.path):
                group[entry.shown_path] = shown(entry, VERSION)
        return dict(found)

    @read("internal/ui/mounts/{path:rest}", open=True)
    async def preflight(self, call: Call) -> dict[str, object]:
        """Shows the mount that serves a path, to whoever has any access below it."""
        path = call.params["path"].rstrip("/") + "/"
        acl = await self._acl(call)
        found = self.services.router.find(path)
        if found is None or not acl.any_access_below(found[0].entry.path):
            raise Denied(
                "preflight capability check returned 403, please ensure client's policies grant access to path "
                f'"{path}"'
            )
        entry = found[0].entry
        return {**shown(entry, VERSION), "path": entry.shown_path}

    @read("internal/ui/resultant-acl")
    async def resultant_acl(self, call: Call) -> dict[str, object]:
        """Shows what the caller's policies come to."""
        caller = call.caller
        if caller is None:
            raise Denied
        acl = await self.services.acl_of_caller(caller)
        exact: dict[str, object] = {}
        globs: dict[str, object] = {}
        for rule in acl.rules():
            if rule.pattern.endswith("*"):
                globs[rule.pattern[:-1]] = {"capabilities": rule.granted}
            else:
                exact[rule.pattern] = {"capabilities": rule.granted}
        return {"root": acl.is_root, "exact_paths": exact, "glob_paths": globs}

    @read("internal/ui/namespaces", open=True)
    async def namespaces(self, call: Call) -> dict[str, object]:
        """Lists the child namespaces in which the token has any access."""
        acl = await self._acl(call)
        here = self.services.namespace
        names = [one.path.removeprefix(here.path) for one in self.services.namespaces.children(here) if not one.tainted]
        return {"keys": [name for name in names if acl.any_access_below(name)]}

    async def _acl(self, call: Call) -> ACL:
        token, entity = await bearer(self.services, call)
        return await self.services.acl(token, entity)


def _brief(entry: MountEntry) -> dict[str, object]:
    return {"type": entry.kind, "description": entry.description, "options": entry.options}
