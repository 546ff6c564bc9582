"""Tokens that the server issues: for mounts (spec/azure.md 5) and about entities (spec/vault-api.md 6.4)."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.api.identity.conftest import ADDRESS, ClubServer
from vaultlike.core.core import Core
from vaultlike.errors import Invalid

AUDIENCE = "api://AzureADTokenExchange"
PLUGINS = "identity/oidc/plugins/.well-known"


def core_of(server: ClubServer) -> Core:
    core = server.server.core
    assert core is not None
    return core


async def mount_token(server: ClubServer, audience: str = AUDIENCE, ttl: int = 0) -> tuple[str, int]:
    core = core_of(server)
    mount = core.router.at("auth/club/")
    assert mount is not None
    return await core.identity_token(mount.entry, audience, ttl)


async def claims_of(server: ClubServer, token: str, discovery: str) -> dict[str, Any]:
    """What a relying party reads, with nothing but the public documents."""
    keys = KeySet.import_key_set((await server.get(f"{discovery}/keys", token="")).body)
    return jwt.decode(token, keys, algorithms=["RS256", "ES256"]).claims


@pytest.mark.parametrize("audience", ["", "x" * 601, "a\nb"])
async def test_bad_audiences_are_refused(server: ClubServer, audience: str) -> None:
    with pytest.raises(Invalid, match="audience"):
        await mount_token(server, audience)


async def test_a_mounts_token_says_who_the_mount_is(server: ClubServer) -> None:
    token, ttl = await mount_token(server)
    claims = await claims_of(server, token, PLUGINS)
    now = int(server.clock.now())
    private = claims.pop("vaultproject.io")
    assert claims == {
        "iss": f"{ADDRESS}/v1/identity/oidc/plugins",
        "sub": f"plugin-identity:root:auth:{server.club}",
        "aud": [AUDIENCE],
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
    }
    assert ttl == 3600
    assert private.pop("version").startswith("v1.")
    assert private == {
        "namespace_id": "root", "namespace_path": "", "class": "auth", "plugin": "club", "path": "club/",
        "accessor": server.club, "local": False,
    }  # fmt: skip


async def test_discovery_is_public_and_cacheable(server: ClubServer) -> None:
    answer = await server.get(f"{PLUGINS}/openid-configuration", token="")
    assert answer.body["issuer"] == f"{ADDRESS}/v1/identity/oidc/plugins"
    assert answer.body["jwks_uri"] == f"{ADDRESS}/v1/{PLUGINS}/keys"
    assert answer.headers.getall("Cache-Control") == ["max-age=3600"]  # type: ignore[attr-defined]
    assert (await server.get(f"{PLUGINS}/keys", token="")).body == {"keys": []}  # reading makes no key
    await mount_token(server)
    keys = await server.get(f"{PLUGINS}/keys", token="")
    assert len(keys.body["keys"]) == 2 and keys.headers["Cache-Control"] == "max-age=3600"


async def test_a_mount_can_have_a_key_of_its_own(server: ClubServer) -> None:
    await server.post("identity/oidc/key/mine", {"algorithm": "ES256", "verification_ttl": "10m"})
    await server.post("sys/auth/club/tune", {"identity_token_key": "mine"})
    token, ttl = await mount_token(server, ttl=3600)
    assert ttl == 600
    await claims_of(server, token, PLUGINS)
    refused = await server.delete("identity/oidc/key/mine")
    assert refused.status == 400 and "auth/club/" in refused.errors[0]
    await server.post("sys/auth/club/tune", {"identity_token_key": ""})
    assert (await server.delete("identity/oidc/key/mine")).status == 204


async def test_ticking_rotates_and_old_tokens_still_verify(server: ClubServer) -> None:
    token, _ = await mount_token(server)
    server.clock.advance(86_400)
    identity = core_of(server).router.at("identity/")
    assert identity is not None and identity.backend is not None
    await identity.backend.tick()
    await claims_of(server, token, PLUGINS)
    new, _ = await mount_token(server)
    assert jwt_kid(new) != jwt_kid(token)


def jwt_kid(token: str) -> object:
    import base64
    import json

    head = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


async def entity_token(server: ClubServer) -> tuple[str, str]:
    """A user's token and an identity token about the user."""
    policy = 'path "identity/oidc/token/*" { capabilities = ["read"] }'
    await server.post("sys/policies/acl/ask", {"policy": policy})
    await server.post("identity/oidc/key/k", {"algorithm": "ES256", "allowed_client_ids": "app"})
    role = {"key": "k", "client_id": "app", "ttl": "10m", "template": '{"groups": {{identity.entity.groups.names}}}'}
    await server.post("identity/oidc/role/r", role)
    user = await server.log_in("eve")
    entity = (await server.get("auth/token/lookup-self", token=user)).data["entity_id"]
    await server.post("identity/group", {"name": "ops", "policies": "ask", "member_entity_ids": entity})
    return user, (await server.get("identity/oidc/token/r", token=user)).data["token"]


async def test_an_entitys_token_cannot_pass_for_a_mounts(server: ClubServer) -> None:
    user, token = await entity_token(server)
    claims = await claims_of(server, token, "identity/oidc/.well-known")
    entity = (await server.get("auth/token/lookup-self", token=user)).data["entity_id"]
    assert claims["iss"] == f"{ADDRESS}/v1/identity/oidc"
    assert (claims["sub"], claims["aud"], claims["groups"], claims["namespace"]) == (entity, "app", ["ops"], "root")


async def test_a_role_that_its_key_does_not_allow_is_told_before_who_asks(server: ClubServer) -> None:
    await server.post("identity/oidc/key/k", {"algorithm": "ES256", "allowed_client_ids": "app"})
    for role, client, text in (
        ("app", "app", "no entity associated with the request's token"),
        ("alien", "x", 'the key "k" does not list the client ID of the role "alien" as an allowed client ID'),
    ):
        await server.post(f"identity/oidc/role/{role}", {"key": "k", "client_id": client})
        answer = await server.get(f"identity/oidc/token/{role}")  # the root token has no entity
        assert (answer.status, answer.errors) == (400, [text])


async def test_introspection_refuses_what_does_not_count(server: ClubServer) -> None:
    _, token = await entity_token(server)
    mount, _ = await mount_token(server)
    head, body, signature = token.split(".")
    forged = f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    unsigned = f"eyJhbGciOiJub25lIiwia2lkIjoieCJ9.{body}."
    for bad in ("", "a.b.c", forged, unsigned, mount, "x" * 20_000):
        assert (await server.post("identity/oidc/introspect", {"token": bad})).body["active"] is False
    assert (await server.post("identity/oidc/introspect", {"token": token})).body == {"active": True}
    server.clock.advance(600)
    assert (await server.post("identity/oidc/introspect", {"token": token})).body["active"] is False


async def test_no_answer_holds_a_private_key(server: ClubServer) -> None:
    await mount_token(server)
    key = await core_of(server).issuer.find("default")
    assert key is not None
    secret = key.current.private["d"]
    for path in ("identity/oidc/key/default", f"{PLUGINS}/keys", "identity/oidc/.well-known/keys"):
        assert secret not in str((await server.get(path)).body)
    assert secret.encode() not in server.path.read_bytes()
