"""An organization is a namespace's: its identities, roles and tokens mean nothing in another one."""

from __future__ import annotations

from typing import Any

from tests.api.infisical.setting import Api
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer

BODY = {"email": "ops@acme.test", "password": "x", "organization": "Acme"}


class Inside(Api):
    """The second API in one namespace."""

    namespace = ""

    async def __call__(self, method: str, path: str, body: object = None, **facts: Any) -> Any:
        return await super().__call__(method, path, body, headers={"X-Vault-Namespace": self.namespace}, **facts)


def inside(server: TestServer, namespace: str, token: str = "") -> Inside:
    found = Inside(server, token)
    found.namespace = namespace
    return found


async def test_two_organizations_know_nothing_of_each_other() -> None:
    stanzas = tuple({"name": name, "enabled": "true", "bootstrap": "true"} for name in ("", "team"))
    async with TestServer(settings=Settings(stanzas={"infisical": stanzas})) as server:
        await server.post("sys/namespaces/team")
        outer = await inside(server, "").good("POST", "/v1/admin/bootstrap", BODY)
        inner = await inside(server, "team").good("POST", "/v1/admin/bootstrap", BODY | {"organization": "Team"})
        assert outer["organization"]["id"] != inner["organization"]["id"]
        token = inner["identity"]["credentials"]["token"]
        team, elsewhere = inside(server, "team", token), inside(server, "", token)
        project = (await team.good("POST", "/v2/workspace", {"projectName": "Shop"}))["project"]["id"]
        made = {"name": "web", "organizationId": inner["organization"]["id"]}
        identity = (await team.good("POST", "/v1/identities", made))["identity"]["id"]
        await team.good("POST", f"/v2/workspace/{project}/identity-memberships/{identity}", {"role": "viewer"})
        for path in ("/v1/identities/details", f"/v1/workspace/{project}", f"/v1/identities/{identity}"):
            assert (await elsewhere("GET", path)).status in (401, 403)
        admin = inside(server, "", outer["identity"]["credentials"]["token"])
        await admin.refused(404, "GET", f"/v1/identities/{identity}")
        await admin.refused(404, "GET", f"/v1/workspace/{project}")
        assert (await inside(server, "team", admin.token)("GET", f"/v1/workspace/{project}")).status in (401, 403)
        names = (await server.list("team/sys/policies/acl")).data["keys"]
        assert f"organization-project-{project}-viewer" in names
        assert f"organization-project-{project}-viewer" not in (await server.list("sys/policies/acl")).data["keys"]
        await inside(server, "team", server.root_token).good("DELETE", f"/v1/identities/{identity}")
