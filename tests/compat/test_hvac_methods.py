"""hvac's `client.auth.approle`, `userpass`, `jwt` and `oidc`, unmodified; hvac's own suite has the rest (hvac.sh)."""

from __future__ import annotations

from collections.abc import Iterator

import hvac
import pytest

from vaultlike.testing.process import DevServer

MOUNTS = {"approle": "approle", "userpass": "userpass", "jwt": "jwt", "oidc": "oidc"}


@pytest.fixture(autouse=True)
def mounts(client: hvac.Client) -> Iterator[None]:
    for path, kind in MOUNTS.items():
        client.sys.enable_auth_method(kind, path=path)
    yield
    for path in MOUNTS:
        client.sys.disable_auth_method(path)


def test_approle(dev: DevServer, client: hvac.Client) -> None:
    approle = client.auth.approle
    with pytest.raises(hvac.exceptions.InvalidPath):
        approle.read_role("web")
    made = approle.create_or_update_approle(
        "web", token_policies=["a", "b"], token_ttl="10m", secret_id_num_uses=1, secret_id_ttl="5m"
    )
    assert made.status_code == 204
    assert approle.list_roles()["data"]["keys"] == ["web"]
    role = approle.read_role("web")["data"]
    assert (role["token_policies"], role["token_ttl"], role["secret_id_num_uses"]) == (["a", "b"], 600, 1)
    approle.update_role_id("web", "the-web")
    assert approle.read_role_id("web")["data"]["role_id"] == "the-web"
    secret = approle.generate_secret_id("web", metadata={"host": "one"}, cidr_list=["127.0.0.1/32"])["data"]
    accessor = secret["secret_id_accessor"]
    assert approle.list_secret_id_accessors("web")["data"]["keys"] == [accessor]
    assert approle.read_secret_id("web", secret["secret_id"])["data"]["metadata"] == {"host": "one"}
    assert approle.read_secret_id_accessor("web", accessor)["data"]["secret_id_num_uses"] == 1
    anybody = hvac.Client(url=dev.url)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid role or secret ID"):
        anybody.auth.approle.login("the-web", "wrong")
    auth = anybody.auth.approle.login("the-web", secret["secret_id"])["auth"]
    assert (auth["lease_duration"], auth["metadata"]["host"]) == (600, "one")
    assert anybody.is_authenticated()
    with pytest.raises(hvac.exceptions.InvalidRequest):
        hvac.Client(url=dev.url).auth.approle.login("the-web", secret["secret_id"])
    custom = approle.create_custom_secret_id("web", "mine")["data"]
    assert custom["secret_id"] == "mine"
    assert approle.destroy_secret_id_accessor("web", custom["secret_id_accessor"]).status_code == 204
    assert approle.delete_role("web").status_code == 204


def test_userpass(dev: DevServer, client: hvac.Client) -> None:
    userpass = client.auth.userpass
    userpass.create_or_update_user("Ann", password="first", policies=["a"])
    assert userpass.list_user()["data"]["keys"] == ["ann"]
    assert userpass.read_user("ann")["data"]["token_policies"] == ["a"]
    userpass.update_password_on_user("ann", "second")
    anybody = hvac.Client(url=dev.url)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid username or password"):
        anybody.auth.userpass.login("ann", "first")
    assert anybody.auth.userpass.login("ann", "second")["auth"]["metadata"] == {"username": "ann"}
    assert anybody.auth.token.lookup_self()["data"]["path"] == "auth/userpass/login/ann"
    userpass.delete_user("ann")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid username or password"):
        hvac.Client(url=dev.url).auth.userpass.login("ann", "second")


def test_jwt_with_the_server_as_the_issuer(dev: DevServer, client: hvac.Client) -> None:
    identity, jwt = client.secrets.identity, client.auth.jwt
    identity.configure_tokens_backend(issuer=dev.url)
    identity.create_named_key("signing", allowed_client_ids=["*"])
    identity.create_or_update_role("tokens", key="signing")
    client_id = identity.read_role("tokens")["data"]["client_id"]
    client.auth.userpass.create_or_update_user("bob", password="pw", policies=["issue"])
    client.sys.create_or_update_policy("issue", 'path "identity/oidc/token/*" { capabilities = ["read"] }')
    bob = hvac.Client(url=dev.url)
    bob.auth.userpass.login("bob", "pw")
    token = bob.secrets.identity.generate_signed_id_token("tokens")["data"]["token"]
    assert jwt.configure(oidc_discovery_url=f"{dev.url}/v1/identity/oidc").status_code == 204
    assert jwt.read_config()["data"]["oidc_discovery_url"] == f"{dev.url}/v1/identity/oidc"
    jwt.create_role("r", user_claim="sub", allowed_redirect_uris=[], role_type="jwt", bound_audiences=[client_id])
    assert jwt.list_roles()["data"]["keys"] == ["r"]
    anybody = hvac.Client(url=dev.url)
    with pytest.raises(hvac.exceptions.InvalidRequest):
        anybody.auth.jwt.jwt_login("r", token[:-4] + "AAAA")
    auth = anybody.auth.jwt.jwt_login("r", token)["auth"]
    assert auth["metadata"]["role"] == "r"
    assert jwt.delete_role("r").status_code == 204
    with pytest.raises(hvac.exceptions.InvalidPath):
        jwt.read_role("r")


def test_oidc_address(dev: DevServer, client: hvac.Client) -> None:
    client.secrets.identity.configure_tokens_backend(issuer=dev.url)
    oidc, back = client.auth.oidc, f"{dev.url}/callback"
    oidc.configure(oidc_discovery_url=f"{dev.url}/v1/identity/oidc", oidc_client_id="me", oidc_client_secret="s")
    oidc.create_role("r", user_claim="sub", allowed_redirect_uris=[back])
    assert oidc.read_role("r")["data"]["allowed_redirect_uris"] == [back]
    address = hvac.Client(url=dev.url).auth.oidc.oidc_authorization_url_request("r", back)["data"]["auth_url"]
    assert address.startswith("?client_id=me&")  # this provider has no page to sign in at
