"""The browser logins of the oidc method against an OpenID provider that is not ours.

The provider is the npm package oidc-provider, unmodified: it is certified by the OpenID Foundation, insists on PKCE,
and has what small ones on PyPI lack (oidc-provider-mock speaks neither `form_post` nor PKCE nor the device grant).
8.8.1 ends the line that runs on Node 18 and 20. The person at the browser is a program, because what matters here are
redirects, cookies and forms, not pixels. The client is our command line, and OpenBao's or Vault's where there is one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
from hvac.exceptions import InvalidRequest
from msgspec import Struct

from tests.compat.conftest import ROOT
from tests.compat.openid_person import Person
from vaultlike.testing.process import ROOT_TOKEN, DevServer, free_port

SOURCE = Path(__file__).parent / "openid_provider"
CLIENT, SECRET = "vaultlike", "a secret: 100% + /"
PATIENCE = 30.0
missing = [name for name in ("node", "npm") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.compat,
    pytest.mark.timeout(180),  # the first run installs the provider
    pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}"),
]


class Stage(Struct):
    """A server of ours, a provider, and the addresses to which the provider sends people."""

    server: DevServer
    client: hvac.Client
    issuer: str
    port: int

    @property
    def local(self) -> str:
        """Where a command line listens."""
        return f"http://localhost:{self.port}/oidc/callback"

    @property
    def direct(self) -> str:
        """Where the server takes answers itself."""
        return f"{self.server.url}/v1/auth/oidc/oidc/callback"

    @property
    def twice(self) -> str:
        """The same as OpenBao's command line spells it."""
        return f"{self.server.url}/v1/auth/oidc//oidc/callback"

    def configure(self, **more: object) -> None:
        config = {"oidc_discovery_url": self.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
        self.client.write_data(
            "auth/oidc/config", data={**config, "jwt_supported_algs": "ES256", "default_role": "people", **more}
        )

    def role(self, **more: object) -> None:
        self.client.write_data(
            "auth/oidc/role/people",
            data={
                "user_claim": "email", "groups_claim": "groups", "oidc_scopes": ["email", "groups"],
                "claim_mappings": {"sub": "who"}, "allowed_redirect_uris": [self.local, self.direct, self.twice],
                "token_policies": ["people"], "poll_interval": 1, "callback_mode": "client",
                "bound_claims": {}, "bound_subject": "", **more,
            },
        )  # fmt: skip

    def start(self, redirect: str, **more: object) -> dict[str, str]:
        body = {"role": "people", "redirect_uri": redirect, **more}
        data: dict[str, str] = self.client.write_data("auth/oidc/oidc/auth_url", data=body)["data"]
        return data

    def callback(self, answer: dict[str, str], **more: str) -> dict[str, object]:
        found: dict[str, object] = self.client.adapter.get("v1/auth/oidc/oidc/callback", params={**answer, **more})
        return found


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folder with the provider's packages; kept between runs under a name that changes with the lock file."""
    key = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:16]
    kept = ROOT / ".build" / f"openid_provider-{key}"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            folder = Path(scratch, "packages")
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCE / name, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150, check=False)
            if done.returncode:
                pytest.skip(f"no npm packages to be had: {done.stderr.strip()[-200:]}")
            try:
                folder.rename(kept)
            except OSError:
                assert kept.exists()  # another process was quicker
    return kept / "node_modules"


@pytest.fixture(scope="module")
def stage(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("provider")
    shutil.copy(SOURCE / "provider.js", folder)
    shutil.copy(SOURCE / "package.json", folder)
    (folder / "node_modules").symlink_to(installed)
    with DevServer() as server:
        stage = Stage(server, hvac.Client(url=server.url, token=ROOT_TOKEN), "", free_port())
        command = ["node", "provider.js", stage.local, stage.direct, stage.twice]
        with (folder / "log").open("wb") as log:
            provider = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        watchdog = threading.Timer(PATIENCE, provider.kill)
        watchdog.start()
        try:
            assert provider.stdout is not None
            line = provider.stdout.readline()
            assert line, (folder / "log").read_text()
            stage.issuer = json.loads(line)["issuer"]
            watchdog.cancel()
            stage.client.sys.enable_auth_method("oidc")
            yield stage
        finally:
            watchdog.cancel()
            provider.communicate(timeout=10)  # closes its input, which ends it


@pytest.fixture(autouse=True)
def as_new(stage: Stage) -> None:
    stage.configure()
    stage.role()


def signed_in(stage: Stage, auth: dict[str, object], name: str) -> None:
    """What a login must have made of the provider's claims."""
    assert auth["metadata"] == {"role": "people", "who": name}
    token = stage.client.auth.token.lookup(auth["client_token"])["data"]
    assert (token["display_name"], token["policies"]) == (f"oidc-{name}@people.test", ["default", "people"])
    assert token["entity_id"] == auth["entity_id"]


def test_what_is_refused_before_a_person_is_asked(stage: Stage) -> None:
    assert stage.start("http://localhost:1/elsewhere")["auth_url"] == ""
    with pytest.raises(InvalidRequest, match="Expired or missing OAuth state"):
        stage.callback({"state": "unknown", "code": "x"})
    with pytest.raises(InvalidRequest, match="error checking oidc discovery URL"):
        stage.configure(oidc_discovery_url=f"{stage.issuer}/elsewhere")


def test_a_person_who_refuses(stage: Stage) -> None:
    person = Person("alice", stage.local)
    page = person.visit(stage.start(stage.local)["auth_url"])
    answer = person.visit(page.link("/abort")).answer
    assert answer["error"] == "access_denied"
    with pytest.raises(InvalidRequest, match="access_denied"):
        stage.callback(answer)


def test_a_wrong_client_secret(stage: Stage) -> None:
    stage.configure(oidc_client_secret="another")
    answer = Person("alice", stage.local).sign_in(stage.start(stage.local)["auth_url"]).answer
    with pytest.raises(InvalidRequest, match="invalid_client"):
        stage.callback(answer)


def test_codes_of_another_login_and_used_ones(stage: Stage) -> None:
    mine, stolen = (Person("alice", stage.local).sign_in(stage.start(stage.local)["auth_url"]).answer for _ in "12")
    with pytest.raises(InvalidRequest, match="invalid_grant"):
        stage.callback({"state": mine["state"], "code": stolen["code"]})
    assert stage.callback(stolen)["auth"]
    with pytest.raises(InvalidRequest, match="Expired or missing OAuth state"):
        stage.callback(stolen)


def test_bounds_hold_for_the_providers_claims(stage: Stage) -> None:
    stage.role(bound_claims={"groups": ["bob-team"]})
    answer = Person("alice", stage.local).sign_in(stage.start(stage.local)["auth_url"]).answer
    with pytest.raises(InvalidRequest, match="does not match any associated bound claim values"):
        stage.callback(answer)
    answer = Person("bob", stage.local).sign_in(stage.start(stage.local)["auth_url"]).answer
    assert stage.callback(answer)["auth"]


def test_a_login_over_the_api(stage: Stage) -> None:
    client = stage.client
    accessor = client.sys.list_auth_methods()["data"]["oidc/"]["accessor"]
    group = client.secrets.identity.create_or_update_group("alices", group_type="external", policies=["team"])
    facts = {"mount_accessor": accessor, "canonical_id": group["data"]["id"]}
    client.secrets.identity.create_or_update_group_alias("alice-team", **facts)
    started = stage.start(stage.local, client_nonce="n")
    answer = Person("alice", stage.local).sign_in(started["auth_url"]).answer
    assert answer["iss"] == stage.issuer  # RFC 9207: not asked for, and in nobody's way
    auth = stage.callback(answer, client_nonce="n")["auth"]
    assert isinstance(auth, dict)
    assert (auth["identity_policies"], auth["token_policies"]) == (["team"], ["default", "people"])
    client.secrets.identity.delete_group_by_name("alices")
    signed_in(stage, auth, "alice")


def test_a_form_that_is_posted_to_the_server(stage: Stage) -> None:
    stage.configure(oidc_response_mode="form_post")
    started = stage.start(stage.direct)
    person = Person("carol", stage.direct)
    page = person.sign_in(started["auth_url"])  # the last form is the provider's, and goes to us
    assert (page.url, page.status) == (stage.direct, 200)
    state = started["auth_url"].partition("state=")[2].partition("&")[0]
    auth = stage.callback({"state": state, "code": "no_code"})["auth"]
    assert isinstance(auth, dict)
    signed_in(stage, auth, "carol")


def programs() -> list[str]:
    found = [name for name in ("bao", "vault") if shutil.which(name)]
    return ["vaultlike", *(found or ["bao"])]


@pytest.fixture(params=programs())
def program(request: pytest.FixtureRequest) -> list[str]:
    name = str(request.param)
    if name == "vaultlike":
        return [sys.executable, "-m", "vaultlike"]
    if shutil.which(name) is None:
        pytest.skip("neither bao nor vault is installed")
    return [name]


def log_in(stage: Stage, program: list[str], person: Person, *words: str) -> tuple[str, dict[str, object]]:
    """The page that the person saw last, and what the command line printed as the login's answer."""
    command = [*program, "login", "-method=oidc", "-no-store", "-format=json", "skip_browser=true", *words]
    environ = {**stage.server.environment(None), "BAO_ADDR": stage.server.url}
    running = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(PATIENCE, running.kill)
    watchdog.start()
    try:
        assert running.stderr is not None
        said = ""
        for line in running.stderr:
            said += line
            if line.strip().startswith("http"):
                break
        else:
            raise AssertionError(f"no address: {said}")
        page = person.sign_in(line.strip())
        out, err = running.communicate(timeout=PATIENCE)
    finally:
        watchdog.cancel()
        running.kill()
        running.wait()
    assert running.returncode == 0, said + err
    auth: dict[str, object] = json.loads(out)["auth"]
    return page.text, auth


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a_command_line_that_listens(stage: Stage, program: list[str], mode: str) -> None:
    stage.configure(oidc_response_mode=mode)
    page, auth = log_in(stage, program, Person("dave"), "role=people", f"port={stage.port}")
    assert "signed in" in page.lower()
    signed_in(stage, auth, "dave")


def test_a_command_line_while_the_server_takes_the_answer(stage: Stage, program: list[str]) -> None:
    stage.role(callback_mode="direct")
    page, auth = log_in(stage, program, Person("erin"), "callbackmode=direct")
    assert "Signed in" in page
    signed_in(stage, auth, "erin")


def test_a_command_line_without_a_browser_on_its_machine(stage: Stage, program: list[str]) -> None:
    stage.role(callback_mode="device")
    page, auth = log_in(stage, program, Person("frank"), "callbackmode=device")
    assert "frank" in page or "success" in page.lower()
    signed_in(stage, auth, "frank")


def test_a_command_line_that_is_refused(stage: Stage) -> None:
    stage.role(bound_subject="somebody else")
    command = [sys.executable, "-m", "vaultlike", "login", "-method=oidc", "skip_browser=true", f"port={stage.port}"]
    running = subprocess.Popen(
        command, env={**os.environ, **stage.server.environment(None)}, stderr=subprocess.PIPE, text=True
    )
    try:
        assert running.stderr is not None
        address = next(line.strip() for line in running.stderr if line.strip().startswith("http"))
        page = Person("grace").sign_in(address)
        _, err = running.communicate(timeout=PATIENCE)
    finally:
        running.kill()
        running.wait()
    assert "The login failed" in page.text
    assert running.returncode == 2
    assert "sub claim does not match bound subject" in err
    assert "code=" not in err  # the provider's code is nobody's business
