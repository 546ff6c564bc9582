"""login: refusals, the token file, and what each method sends."""

from __future__ import annotations

import base64
import json
import stat
import threading
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from vaultlike.cli.login import METHODS, aws

from .conftest import Cli, FakeServer, Seen

AUTH: dict[str, object] = {
    "client_token": "hvs.new",
    "accessor": "acc",
    "policies": ["default", "dev"],
    "token_policies": ["default", "dev"],
    "metadata": {"role": "dev-role"},
    "lease_duration": 3600,
    "renewable": True,
}


@pytest.fixture
def ready(server: FakeServer) -> FakeServer:
    for mount in (*METHODS, "azure-prod"):
        server.enveloped("PUT", f"auth/{mount}/login", None, auth=AUTH)
    server.enveloped("PUT", "auth/userpass/login/bob", None, auth=AUTH)
    server.on("GET", "metadata/identity/oauth2/token", {"access_token": "identity.jwt", "expires_in": "3599"})
    compute = {"name": "vm-1", "subscriptionId": "sub", "resourceGroupName": "rg", "vmScaleSetName": ""}
    server.on("GET", "metadata/instance", {"compute": compute, "network": {}})
    return server


def logins(server: FakeServer) -> list[Seen]:
    return [seen for seen in server.seen if seen.path.startswith("auth/")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-method=azur", "role=x"), 'Unknown auth method: azur. Did you mean "azure"?'),
        (("-method=kerberos",), "This program can log in with: approle, aws, azure"),
        (("role=dev",), "vaultlike login -method=azure role=dev"),
        (("a", "b"), "Too many arguments"),
        (("-method=azure",), "role is missing"),
        (("-method=azure", "role=a", "role=b"), "role must be given once"),
        (("-method=azure", "role=a", "client_id=x", "object_id=y"), "give only one of client_id, object_id, mi_res_id"),
        (("-method=userpass",), "username is missing"),
        (("-method=userpass", "username=bob"), "there is no terminal to ask on: give password=..."),
        (("-method=userpass", "-non-interactive", "username=bob"), "password is missing"),
        (("-method=approle",), "role_id is missing"),
        (("-method=jwt", "role=x"), "jwt is missing"),
        (("-method=kubernetes", "role=x"), "cannot read /var/run/secrets"),
        (("-method=cert",), "a certificate is needed"),
        (("-method=oidc", "port=x"), "port must be a number"),
        (("-method=oidc", "port=65536"), "port must be a number"),
        (("-method=oidc", "callbackmode=x"), "callbackmode must be one of client, direct, device"),
        (("-method=oidc", "skip_browser=x"), "skip_browser must be true or false"),
        (("-method=oidc", "show_qr=true"), "draws no QR codes"),
    ],
)
def test_refused_before_anything_is_sent(cli: Cli, ready: FakeServer, words: tuple[str, ...], message: str) -> None:
    result = cli("login", *words)
    assert result.code == 1
    assert message in result.err
    assert logins(ready) == []


def test_a_refused_login_stores_nothing_and_names_the_request(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    server.error("PUT", "auth/azure/login", 403, "permission denied", request_id="req-77")
    result = cli("login", "-method=azure", "role=dev", "jwt=x")
    assert result.code == 2
    assert result.err.startswith("Error authenticating: Error making API request.")
    assert "vaultlike explain req-77" in result.err
    assert not (tmp_path / ".vault-token").exists()


def test_the_request_id_may_come_in_a_header(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "auth/azure/login", {"errors": ["permission denied"]}, 403, {"X-Request-Id": "req-78"})
    assert "vaultlike explain req-78" in cli("login", "-method=azure", "role=dev", "jwt=x").err


def test_an_invalid_token_is_not_stored(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    server.error("GET", "auth/token/lookup-self", 403, "permission denied")
    assert cli("login", "hvs.bad", token="").code == 2
    assert not (tmp_path / ".vault-token").exists()


def test_a_token_login(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    data = {"accessor": "acc", "policies": ["default"], "meta": None, "ttl": 0, "renewable": False}
    server.enveloped("GET", "auth/token/lookup-self", data)
    result = cli("login", "hvs.mine", token="")
    file = tmp_path / ".vault-token"
    assert result.code == 0
    assert result.out.startswith("Success! You are now authenticated. The token information displayed below\n")
    assert "token                hvs.mine" in result.out
    assert "token_duration       ∞" in result.out
    assert file.read_text() == "hvs.mine"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.seen[0].headers["x-vault-token"] == "hvs.mine"
    assert cli("login", "-", stdin="hvs.piped\n", token="").code == 0
    assert file.read_text() == "hvs.piped"
    assert [path.name for path in tmp_path.iterdir()] == [".vault-token"]


def test_the_stored_token_is_used_until_the_environment_has_one(cli: Cli, ready: FakeServer) -> None:
    cli("login", "-method=approle", "role_id=r", token="")
    cli("read", "a/b", token="")
    assert ready.seen[-2].headers["x-vault-token"] == "hvs.new"
    cli("read", "a/b", token="hvs.env")
    assert ready.seen[-2].headers["x-vault-token"] == "hvs.env"


def test_a_set_variable_is_warned_about(cli: Cli, ready: FakeServer) -> None:
    assert "VAULT_TOKEN is set" in cli("login", "-method=approle", "role_id=r").err
    assert "VAULT_TOKEN" not in cli("login", "-method=approle", "role_id=r", token="").err


def test_no_store_token_only_field_and_no_print(cli: Cli, ready: FakeServer, tmp_path: Path) -> None:
    words = ("login", "-method=approle", "role_id=r")
    file = tmp_path / ".vault-token"
    assert "was not stored" in cli(*words, "-no-store").out
    assert cli(*words, "-token-only").out == "hvs.new"
    assert not file.exists()
    assert cli(*words, "-field=token").out == "hvs.new"
    assert file.read_text() == "hvs.new"
    assert cli(*words, "-no-print").out == ""
    document = cli(*words, "-format=json").json()
    assert isinstance(document, dict)
    assert document["auth"]["client_token"] == "hvs.new"


def test_a_wrapped_login_is_not_stored(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    server.enveloped("PUT", "auth/approle/login", None, wrap_info={"token": "hvs.w", "ttl": 60})
    assert "wrapping_token:" in cli("login", "-method=approle", "-wrap-ttl=1m", "role_id=r").out
    assert not (tmp_path / ".vault-token").exists()


def test_a_second_factor_is_explained(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    pending = {"mfa_request_id": "m-1", "mfa_constraints": {"all": {"any": []}}}
    server.enveloped("PUT", "auth/approle/login", None, auth={"client_token": "", "mfa_requirement": pending})
    result = cli("login", "-method=approle", "role_id=r")
    assert (result.code, "m-1" in result.out, "sys/mfa/validate" in result.err) == (2, True, True)
    assert not (tmp_path / ".vault-token").exists()


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (("-method=userpass", "username=bob", "password=p"), "auth/userpass/login/bob", {"password": "p"}),
        (("-method=approle", "role_id=r", "secret_id=s\n"), "auth/approle/login", {"role_id": "r", "secret_id": "s"}),
        (("-method=jwt", "role=ci", "jwt=-"), "auth/jwt/login", {"role": "ci", "jwt": "piped"}),
        (("-method=kubernetes", "role=app", "jwt=-"), "auth/kubernetes/login", {"role": "app", "jwt": "piped"}),
        (("-method=github", "token=ghp"), "auth/github/login", {"token": "ghp"}),
        (("-method=gcp", "role=g", "jwt=j"), "auth/gcp/login", {"role": "g", "jwt": "j"}),
        (("-method=azure", "-path=azure-prod/", "role=r", "jwt=j"), "auth/azure-prod/login", {"role": "r", "jwt": "j"}),
    ],
)
def test_what_each_method_sends(
    cli: Cli, ready: FakeServer, words: tuple[str, ...], path: str, body: dict[str, object]
) -> None:
    result = cli("login", *words, stdin="piped\n")
    assert (result.code, result.err.count("Error")) == (0, 0)
    (sent,) = logins(ready)
    assert (sent.path, sent.body) == (path, body)
    assert "x-vault-token" not in sent.headers


def test_azure_asks_the_metadata_service(cli: Cli, ready: FakeServer) -> None:
    env = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": ready.url + "/"}
    assert cli("login", "-method=azure", "role=dev-role", env=env).code == 0
    asked, sent = ready.seen
    assert asked.headers["metadata"] == "true"
    assert asked.query == {"api-version": ["2018-02-01"], "resource": ["https://management.azure.com/"]}
    assert "x-vault-token" not in asked.headers
    assert sent.body == {"role": "dev-role", "jwt": "identity.jwt"}


def test_azure_fills_in_what_the_machine_says(cli: Cli, ready: FakeServer) -> None:
    words = ("role=r", f"metadata_address={ready.url}", "resource=api://x", "client_id=c", "vm_name=auto")
    assert cli("login", "-method=azure", *words).code == 0
    assert ready.seen[0].query == {"api-version": ["2018-02-01"], "resource": ["api://x"], "client_id": ["c"]}
    assert ready.seen[-1].body == {
        "role": "r",
        "jwt": "identity.jwt",
        "vm_name": "vm-1",
        "subscription_id": "sub",
        "resource_group_name": "rg",
    }
    cli("login", "-method=azure", *words, "subscription_id=mine")
    assert ready.seen[-1].body is not None
    assert ready.seen[-1].body["subscription_id"] == "mine"


def test_azure_outside_a_scale_set(cli: Cli, ready: FakeServer) -> None:
    result = cli("login", "-method=azure", "role=r", f"metadata_address={ready.url}", "vmss_name=auto")
    assert (result.code, "vmss_name=auto" in result.err) == (2, True)
    assert logins(ready) == []


def test_azure_on_app_service(cli: Cli, ready: FakeServer) -> None:
    ready.on("GET", "msi/token", {"access_token": "app.jwt"})
    env = {"IDENTITY_ENDPOINT": f"{ready.url}/msi/token", "IDENTITY_HEADER": "secret"}
    assert cli("login", "-method=azure", "role=r", env=env).code == 0
    assert ready.seen[0].headers["x-identity-header"] == "secret"
    assert ready.seen[0].query["api-version"] == ["2019-08-01"]
    assert ready.seen[-1].body == {"role": "r", "jwt": "app.jwt"}


def test_azure_metadata_errors(cli: Cli, server: FakeServer) -> None:
    here = f"metadata_address={server.url}"
    server.on("GET", "metadata/identity/oauth2/token", {"error_description": "Identity not found"}, 400)
    refused = cli("login", "-method=azure", "role=r", here)
    assert (refused.code, "answered 400" in refused.err, "Identity not found" in refused.err) == (2, True, True)
    nobody = cli("login", "-method=azure", "role=r", "metadata_address=http://127.0.0.1:1")
    assert "Is this machine in that cloud?" in nobody.err
    server.table.clear()
    server.on("GET", "metadata/identity/oauth2/token", {}, 429)
    server.on("GET", "metadata/identity/oauth2/token", {"other": "x"})
    again = cli("login", "-method=azure", "role=r", here)
    assert "without an access_token" in again.err
    assert len(again.waits) == 1


def test_gcp_asks_the_metadata_service(cli: Cli, ready: FakeServer) -> None:
    ready.on("GET", "computeMetadata/v1/instance/service-accounts/default/identity", "gcp.jwt")
    env = {"GCE_METADATA_HOST": ready.url.removeprefix("http://")}
    assert cli("login", "-method=gcp", "role=dev", env=env).code == 0
    assert ready.seen[0].headers["metadata-flavor"] == "Google"
    assert ready.seen[0].query == {"audience": ["http://vault/dev"], "format": ["full"]}
    assert ready.seen[-1].body == {"role": "dev", "jwt": "gcp.jwt"}


def test_aws_sends_a_signed_request(cli: Cli, ready: FakeServer) -> None:
    env = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_SESSION_TOKEN": "st"}
    assert cli("login", "-method=aws", "role=dev", "header_value=vault.example", "region=eu-west-1", env=env).code == 0
    body = ready.seen[-1].body
    assert body is not None
    text = {name: base64.b64decode(str(body[name])).decode() for name in body if name.startswith("iam_request_")}
    assert text["iam_request_url"] == "https://sts.eu-west-1.amazonaws.com/"
    headers = json.loads(text["iam_request_headers"])
    assert headers["X-Vault-AWS-IAM-Server-ID"] == ["vault.example"]
    assert "x-vault-aws-iam-server-id" in headers["Authorization"][0]
    assert "canary-secret" not in json.dumps([body, text])


def test_aws_takes_the_instance_role(cli: Cli, ready: FakeServer) -> None:
    ready.on("PUT", "latest/api/token", "imds-token")
    ready.on("GET", "latest/meta-data/iam/security-credentials/", "web-role\n")
    found = {"AccessKeyId": "AKID", "SecretAccessKey": "s", "Token": "t"}
    ready.on("GET", "latest/meta-data/iam/security-credentials/web-role", found)
    assert cli("login", "-method=aws", env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": ready.url}).code == 0
    assert ready.seen[2].headers["x-aws-ec2-metadata-token"] == "imds-token"


def test_the_aws_signature_is_stable_and_covers_every_part() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def signature(secret: str = "s", region: str = "us-east-1", server_id: str = "") -> str:
        headers = aws.signed_headers(aws.Credentials("AKID", secret, ""), region, server_id, now)
        return headers["Authorization"]

    assert signature() == signature()
    assert len({signature(), signature("other"), signature(region="eu-west-1"), signature(server_id="x")}) == 4
    assert "Credential=AKID/20260102/us-east-1/sts/aws4_request" in signature()
    assert repr(aws.Credentials("AKID", "canary", "")) == "Credentials(...)"


def browser(
    server: FakeServer, answer: Callable[[dict[str, list[str]]], str], form: bytes | None = None
) -> threading.Thread:
    """Waits until the command asked for an address, then calls the listener as a browser would."""

    def visit() -> None:
        while not (asked := [seen for seen in server.seen if seen.path.endswith("auth_url")]):
            threading.Event().wait(0.005)
        redirect = str((asked[0].body or {})["redirect_uri"])
        address = redirect if form else f"{redirect}?{answer(parse_qs(urlsplit(redirect).query))}"
        with urllib.request.urlopen(address, form, timeout=5) as page:
            page.read()

    thread = threading.Thread(target=visit, daemon=True)
    thread.start()
    return thread


def test_oidc(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/authorize?state=st"})
    server.enveloped("GET", "auth/oidc/oidc/callback", None, auth=AUTH)
    words = ("login", "-method=oidc", "role=r", "port=0", "skip_browser=true", "listenaddress=127.0.0.1")
    thread = browser(server, lambda _: "code=c&state=st")
    result = cli(*words)
    thread.join(5)
    assert result.code == 0
    assert "https://idp/authorize?state=st" in result.err
    asked, called = server.seen
    assert called.query == {"state": ["st"], "code": ["c"], "client_nonce": [str((asked.body or {})["client_nonce"])]}


def test_oidc_refused_by_the_provider(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/authorize"})
    thread = browser(server, lambda _: "error=access_denied&error_description=no")
    result = cli("login", "-method=oidc", "port=0", "skip_browser=true", "listenaddress=127.0.0.1")
    thread.join(5)
    assert (result.code, "access_denied no" in result.err) == (2, True)


def test_oidc_without_an_allowed_redirect(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": ""})
    result = cli("login", "-method=oidc", "port=0", "skip_browser=true", "listenaddress=127.0.0.1")
    assert (result.code, "does the role allow" in result.err) == (2, True)


def test_oidc_as_a_posted_form(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/authorize?state=st"})
    server.on("POST", "auth/oidc/oidc/callback", "<p>fine")
    server.enveloped("GET", "auth/oidc/oidc/callback", None, auth=AUTH)
    thread = browser(server, lambda _: "", form=b"state=st&id_token=a.b.c")
    result = cli("login", "-method=oidc", "role=r", "port=0", "skip_browser=true", "listenaddress=127.0.0.1")
    thread.join(5)
    assert (result.code, "authenticated" in result.out) == (0, True)
    asked, posted, called = server.seen
    nonce = str((asked.body or {})["client_nonce"])
    assert posted.body == {"state": "st", "code": "", "id_token": "a.b.c", "client_nonce": nonce}
    assert called.query == {"state": ["st"], "client_nonce": [nonce]}


def test_oidc_ends_with_the_servers_refusal_whatever_the_browser_is_told(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/authorize?state=st"})
    server.error("GET", "auth/oidc/oidc/callback", 400, "Vault login failed. Expired or missing OAuth state.")
    thread = browser(server, lambda _: "code=c&state=st")
    result = cli("login", "-method=oidc", "port=0", "skip_browser=true", "listenaddress=127.0.0.1")
    thread.join(5)
    assert (result.code, "Expired or missing OAuth state" in result.err) == (2, True)
    assert f"URL: GET {server.url}/v1/auth/oidc/oidc/callback\n" in result.err


@pytest.mark.parametrize("mode", ["direct", "device"])
def test_oidc_by_polling(cli: Cli, server: FakeServer, tmp_path: Path, mode: str) -> None:
    started = {"auth_url": "https://idp/x", "state": "st", "poll_interval": "7", "user_code": "AB-CD"}
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", started)
    server.error("PUT", "auth/oidc/oidc/poll", 400, "authorization_pending")
    server.error("PUT", "auth/oidc/oidc/poll", 400, "slow_down")
    server.enveloped("PUT", "auth/oidc/oidc/poll", None, auth=AUTH)
    result = cli("login", "-method=oidc", "skip_browser=true", f"callbackmode={mode}", "role=r")
    assert result.code == 0
    assert "enter the code AB-CD" in result.err
    asked, *polled = server.seen
    nonce = (asked.body or {})["client_nonce"]
    assert (asked.body or {})["redirect_uri"] == (
        f"{server.url}/v1/auth/oidc/oidc/callback" if mode == "direct" else ""
    )
    assert [seen.body for seen in polled] == [{"state": "st", "client_nonce": nonce}] * 3
    assert (tmp_path / ".vault-token").read_text() == AUTH["client_token"]


def test_oidc_polling_ends_when_the_server_says_no(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/x", "state": "st"})
    server.error("PUT", "auth/oidc/oidc/poll", 400, "access_denied")
    result = cli("login", "-method=oidc", "skip_browser=true", "callbackmode=direct")
    assert (result.code, "* access_denied" in result.err) == (2, True)


def test_oidc_says_when_the_role_is_for_another_mode(cli: Cli, server: FakeServer) -> None:
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/x", "state": "st"})
    server.enveloped("PUT", "auth/oidc/oidc/auth_url", {"auth_url": "https://idp/x"})
    result = cli("login", "-method=oidc", "port=0", "skip_browser=true")
    assert (result.code, "another callbackmode" in result.err) == (2, True)
    result = cli("login", "-method=oidc", "skip_browser=true", "callbackmode=device")
    assert (result.code, "not for callbackmode=device" in result.err) == (2, True)
