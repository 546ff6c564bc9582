"""An afternoon's work at a command line, from `operator init` to `operator seal`: other people's client, and ours.

The client is ours, and OpenBao's `bao` or HashiCorp's `vault` where one is on PATH. All must come to the same exit
codes and the same facts; texts and column widths are compared only where scripts read them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.conftest import ROOT, new_server
from vaultlike.testing.process import clean_environment

POLICY = """path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "sys/wrapping/*" { capabilities = ["update"] }
"""
pytestmark = [pytest.mark.compat, pytest.mark.timeout(180)]


def programs() -> list[str]:
    """Ours, and whichever of the others is there; `bao` stands for all of them where none is."""
    found = [name for name in ("bao", "vault") if shutil.which(name)]
    return ["vaultlike", *(found or ["bao"])]


class Ran:
    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> dict[str, str]:
        """A table's first column and what stands beside it."""
        found = (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in self.out.splitlines())
        return {parts[0]: parts[1] if len(parts) > 1 else "" for parts in found}


class Line:
    """A person at a terminal: one home, one server, the token that the last login stored."""

    def __init__(self, program: str, url: str, home: Path) -> None:
        self.program = [sys.executable, "-m", "vaultlike"] if program == "vaultlike" else [program]
        self.environ = {**clean_environment(home), "VAULT_ADDR": url, "BAO_ADDR": url}
        if program == "vaultlike":
            self.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "plugins")))
        self.home = home

    def run(self, *words: str) -> Ran:
        done = subprocess.run(
            [*self.program, *words], cwd=self.home, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=30, check=False,
        )  # fmt: skip
        return Ran(done)

    def ok(self, *words: str) -> Ran:
        ran = self.run(*words)
        assert ran.code == 0, (words, ran.out, ran.err)
        return ran

    def no(self, text: str, *words: str, code: int = 2) -> Ran:
        """A command that must fail with this exit code and say this."""
        ran = self.run(*words)
        assert (ran.code, text in ran.out + ran.err) == (code, True), (words, ran.code, ran.out, ran.err)
        return ran


class Desk:
    """The afternoon's state: the line, the keys of the server and its root token."""

    def __init__(self, line: Line, keys: list[str], root: str) -> None:
        self.line, self.keys, self.root = line, keys, root


@pytest.fixture(scope="module", params=programs())
def program(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name != "vaultlike" and shutil.which(name) is None:
        pytest.skip("neither bao nor vault is on PATH")
    return name


@pytest.fixture(scope="module")
def desk(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A new server, with the first and the last thing that is done with one."""
    with new_server(tmp_path_factory.mktemp("server")) as url:
        line = Line(program, url, tmp_path_factory.mktemp(program))
        yield opened(line)
        line.ok("operator", "seal")
        assert line.run("status").code == 2
        line.no("is sealed", "secrets", "list")


def opened(line: Line) -> Desk:
    """Initializes and unseals the server, and logs in."""
    (line.home / "app.hcl").write_text(POLICY)
    assert line.run("status").code == 2
    line.no("is not initialized", "operator", "init", "-status")
    made = line.ok("operator", "init", "-key-shares=3", "-key-threshold=2", "-format=json").json
    keys, root = made["unseal_keys_b64"], made["root_token"]
    assert (len(keys), made["unseal_threshold"]) == (3, 2)
    line.ok("operator", "init", "-status")
    line.no("already initialized", "operator", "init")
    line.no("invalid key", "operator", "unseal", "bm9uZQ==")
    assert line.ok("operator", "unseal", keys[0]).rows["Unseal Progress"] == "1/2"
    assert line.ok("operator", "unseal", "-reset").rows["Unseal Progress"] == "0/2"
    line.ok("operator", "unseal", keys[0])
    assert line.ok("operator", "unseal", keys[2]).rows["Sealed"] == "false"
    line.no("permission denied", "login", "hvs.none")
    line.ok("login", root)
    return Desk(line, keys, root)


@pytest.fixture
def line(desk: Desk) -> Line:
    """The line, logged in as root."""
    desk.line.ok("login", desk.root)
    return desk.line


def test_the_states_of_a_server(line: Line) -> None:
    shown = line.ok("status").rows
    facts = ("Sealed", "Initialized", "Total Shares", "Threshold")
    assert [shown[name] for name in facts] == ["false", "true", "3", "2"]
    assert line.ok("status", "-format=json").json["sealed"] is False
    assert line.ok("operator", "key-status").rows["Key Term"] == "1"
    assert line.ok("operator", "rotate").rows["Key Term"] == "2"
    assert "Active Node" in line.ok("operator", "members").out


def test_secrets_engines_and_their_settings(line: Line) -> None:
    line.ok("secrets", "enable", "-path=old", "-description=old ones", "kv")
    line.no("path is already in use at old/", "secrets", "enable", "-path=old", "kv")
    line.no("plugin not found in the catalog: nope", "secrets", "enable", "nope")
    line.ok("secrets", "tune", "-max-lease-ttl=1h", "-description=x", "old")
    listed = line.ok("secrets", "list", "-detailed").rows
    assert "system" not in listed["cubbyhole/"].partition("per-token")[0].partition("cubbyhole_")[2].partition(" ")[2]
    assert line.ok("secrets", "list", "-format=json").json["old/"]["config"]["max_lease_ttl"] == 3600
    line.ok("secrets", "move", "old", "older")
    line.ok("kv", "put", "older/x", "a=b", "n=1")
    assert line.ok("kv", "get", "-field=n", "older/x").out.strip() == "1"
    line.ok("kv", "enable-versioning", "older")
    line.ok("secrets", "disable", "older")
    line.no("preflight", "kv", "get", "older/x")


def test_methods_and_their_settings(line: Line) -> None:
    line.ok("auth", "enable", "-path=people", "userpass")
    line.no("plugin not found in the catalog: nope", "auth", "enable", "nope")
    line.ok("auth", "tune", "-default-lease-ttl=10m", "-max-lease-ttl=1h", "-listing-visibility=unauth", "people")
    config = line.ok("auth", "list", "-format=json").json["people/"]["config"]
    assert (config["default_lease_ttl"], config["max_lease_ttl"], config["listing_visibility"]) == (600, 3600, "unauth")
    assert "token/" in line.ok("auth", "list", "-detailed").rows
    assert "People log in" in line.ok("path-help", "auth/people").out
    assert "username" in line.ok("path-help", "auth/people/users/x").out
    line.ok("auth", "disable", "people")
    line.ok("auth", "disable", "people")


def test_policies(line: Line) -> None:
    line.ok("policy", "write", "app", "app.hcl")
    assert line.ok("policy", "read", "app").out.strip() == POLICY.strip()
    assert line.ok("policy", "list").out.split() == ["app", "default", "root"]
    line.no("No policy named: nope", "policy", "read", "nope")
    line.no("'policy' parameter not supplied or empty", "policy", "write", "bad", "-")
    line.ok("policy", "fmt", "app.hcl")
    (line.home / "app.hcl").write_text(POLICY)


@pytest.fixture
def app(line: Line) -> None:
    """The policy app, and a kv engine of version 2 at secret/."""
    line.ok("policy", "write", "app", "app.hcl")
    if "secret/" not in line.ok("secrets", "list", "-format=json").json:
        line.ok("secrets", "enable", "-version=2", "-path=secret", "kv")


def test_a_login_with_a_password(line: Line, app: None) -> None:
    line.ok("auth", "enable", "userpass")
    line.ok("write", "auth/userpass/users/alice", "password=pw", "policies=app")
    assert line.ok("list", "auth/userpass/users").out.split() == ["Keys", "----", "alice"]
    line.no("invalid username or password", "login", "-method=userpass", "username=alice", "password=bad")
    shown = line.ok("login", "-method=userpass", "username=alice", "password=pw").rows
    assert shown["token_policies"] == '["app" "default"]'
    assert line.ok("print", "token").out.strip() == shown["token"]
    line.no("permission denied", "policy", "list")
    line.no("permission denied", "read", "sys/mounts")


def test_a_login_with_a_role_and_a_secret(line: Line, app: None) -> None:
    line.ok("auth", "enable", "approle")
    line.ok("write", "auth/approle/role/robot", "token_policies=app", "secret_id_ttl=10m")
    role = line.ok("read", "-field=role_id", "auth/approle/role/robot/role-id").out.strip()
    secret = line.ok("write", "-f", "-field=secret_id", "auth/approle/role/robot/secret-id").out.strip()
    answer = line.ok("write", "auth/approle/login", f"role_id={role}", f"secret_id={secret}").rows
    assert answer["token_meta_role_name"] == "robot"
    line.no("invalid role or secret ID", "write", "auth/approle/login", f"role_id={role}", "secret_id=nope")
    assert line.ok("login", "-method=token", answer["token"]).rows["token_policies"] == '["app" "default"]'


def test_a_login_with_a_signed_token(line: Line, app: None) -> None:
    from joserfc import jwt
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256")
    (line.home / "issuer.pem").write_bytes(key.as_pem(private=False))
    line.ok("auth", "enable", "jwt")
    line.ok("write", "auth/jwt/config", "jwt_validation_pubkeys=@issuer.pem", "jwt_supported_algs=ES256")
    role = ("role_type=jwt", "user_claim=sub", "bound_audiences=here", "token_policies=app")
    line.ok("write", "auth/jwt/role/build", *role)
    times = {"iat": int(time.time()) - 10, "exp": int(time.time()) + 600}
    signed = jwt.encode({"alg": "ES256"}, {"sub": "me", "aud": "here", **times}, key)
    other = jwt.encode({"alg": "ES256"}, {"sub": "me", "aud": "there", **times}, key)
    line.no("error validating token", "write", "auth/jwt/login", "role=build", f"jwt={other}")
    token = line.ok("write", "-field=token", "auth/jwt/login", "role=build", f"jwt={signed}").out.strip()
    assert line.ok("token", "lookup", token).rows["display_name"] == "jwt-me"


def test_secrets_with_versions(line: Line, app: None) -> None:
    line.ok("kv", "put", "secret/one", "a=b", "c=d")
    line.ok("kv", "put", "-mount=secret", "one", "a=b", "c=e")
    assert line.ok("kv", "get", "-field=c", "secret/one").out.strip() == "e"
    assert line.ok("kv", "get", "-mount=secret", "-version=1", "-field=c", "one").out.strip() == "d"
    assert line.ok("kv", "get", "-format=json", "secret/one").json["data"]["metadata"]["version"] == 2
    line.no("No value found at secret/data/none", "kv", "get", "secret/none")
    line.ok("kv", "patch", "secret/one", "x=y")
    assert line.ok("kv", "rollback", "-version=1", "secret/one").rows["version"] == "4"
    assert line.ok("kv", "list", "secret").out.split() == ["Keys", "----", "one"]
    line.no("No value found at secret/metadata/none\n", "kv", "list", "secret/none")
    line.ok("kv", "metadata", "put", "-max-versions=5", "-custom-metadata=a=b", "secret/one")
    line.ok("kv", "metadata", "patch", "-custom-metadata=c=d", "secret/one")
    assert line.ok("kv", "metadata", "get", "secret/one").rows["custom_metadata"] == "map[a:b c:d]"
    line.ok("kv", "delete", "secret/one")
    assert line.run("kv", "get", "secret/one").code in (0, 2)  # its metadata is still shown
    line.ok("kv", "undelete", "-versions=4", "secret/one")
    line.ok("kv", "destroy", "-versions=1,2", "secret/one")
    assert line.ok("kv", "get", "-field=c", "secret/one").out.strip() == "d"
    assert line.run("kv", "get", "-version=1", "-field=c", "secret/one").code != 0
    line.ok("kv", "metadata", "delete", "secret/one")
    line.no("No value found at secret/data/one", "kv", "get", "secret/one")


def test_wrapping(line: Line, app: None) -> None:
    line.ok("write", "cubbyhole/x", "a=b", "list=1", "list=2")
    assert line.ok("read", "-format=json", "cubbyhole/x").json["data"] == {"a": "b", "list": ["1", "2"]}
    line.no('Field "nope" not present in secret', "read", "-field=nope", "cubbyhole/x", code=1)
    wrapped = line.ok("read", "-wrap-ttl=60s", "-format=json", "cubbyhole/x").json["wrap_info"]
    looked = line.ok("write", "sys/wrapping/lookup", f"token={wrapped['token']}").rows
    assert looked["creation_path"] == "cubbyhole/x"
    assert line.ok("unwrap", "-field=a", wrapped["token"]).out.strip() == "b"
    line.no("wrapping token is not valid or does not exist", "unwrap", wrapped["token"])
    line.ok("delete", "cubbyhole/x")
    line.ok("delete", "cubbyhole/x")
    line.no("No value found at cubbyhole/x", "read", "cubbyhole/x")


def test_tokens_and_their_roles(line: Line, app: None) -> None:
    line.ok("write", "auth/token/roles/nightly", "allowed_policies=app", "period=1h")
    made = line.ok("token", "create", "-role=nightly", "-policy=app", "-format=json").json["auth"]
    assert made["lease_duration"] == 3600
    token, accessor = made["client_token"], made["accessor"]
    shown = line.ok("token", "lookup", token).rows
    assert (shown["role"], shown["meta"]) == ("nightly", "<nil>")
    assert line.ok("token", "lookup", "-accessor", accessor).rows["id"] == "n/a"
    capabilities = line.ok("token", "capabilities", token, "secret/data/x").out.strip()
    assert capabilities == "create, delete, list, patch, read, update"
    assert line.ok("token", "capabilities", "secret/data/x").out.strip() == "root"
    line.ok("token", "renew", "-increment=5m", token)
    line.ok("token", "renew", "-accessor", accessor)
    line.ok("token", "revoke", "-accessor", accessor)
    line.no("bad token", "token", "lookup", token)
    line.ok("token", "revoke", token)
    few = line.ok("token", "create", "-policy=app", "-use-limit=3", "-metadata=a=b", "-orphan", "-ttl=1h").rows
    assert (few["token_meta_a"], few["token_policies"]) == ("b", '["app" "default"]')
    assert line.ok("token", "create", "-type=batch", "-policy=app").rows["token"].startswith("hvb.")
    line.no("invalid lease", "lease", "lookup", "nope")
    line.ok("lease", "revoke", "-prefix", "auth/token/create/nightly")
    forced = line.ok("lease", "revoke", "-force", "-prefix", "auth/token/create/nightly")
    assert "Warning! Force-removing leases" in forced.err


def test_audit(line: Line) -> None:
    assert line.no("No audit devices are enabled.", "audit", "list").err == ""
    log = line.home / "audit.log"
    line.ok("audit", "enable", "file", f"file_path={log}")
    line.no("path already in use", "audit", "enable", "file", f"file_path={log}")
    line.ok("audit", "enable", "-path=two", "file", f"file_path={line.home / 'two.log'}")
    assert f"file_path={log}" in line.ok("audit", "list", "-detailed").out
    line.ok("audit", "disable", "two")
    line.ok("audit", "disable", "file")
    assert json.loads(log.read_text().splitlines()[-1])["request"]["path"] == "sys/audit/file"


def test_namespaces(line: Line) -> None:
    if "namespace" not in line.run("-help").out + line.run("-help").err:
        pytest.skip("this client knows no namespaces")
    line.no("No namespaces found", "namespace", "list")
    line.ok("namespace", "create", "-custom-metadata=a=b", "team")
    line.ok("namespace", "patch", "-custom-metadata=x=y", "team")
    assert line.ok("namespace", "lookup", "team").rows["custom_metadata"] == "map[a:b x:y]"
    line.ok("namespace", "create", "-namespace=team", "child")
    assert line.ok("namespace", "list", "-namespace=team").out.split() == ["Keys", "----", "child/"]
    assert "secret/" not in line.ok("secrets", "list", "-namespace=team").rows
    line.no("contains child namespaces", "namespace", "delete", "team")
    line.ok("namespace", "delete", "-namespace=team", "child")
    line.ok("namespace", "delete", "team")
    line.ok("namespace", "delete", "team")
    line.no("Namespace not found", "namespace", "lookup", "team")


def test_a_new_root_token(desk: Desk, line: Line) -> None:
    assert line.ok("operator", "generate-root", "-status").rows["Started"] == "false"
    line.ok("operator", "generate-root", "-init")
    line.ok("operator", "generate-root", "-cancel")
    otp = line.ok("operator", "generate-root", "-generate-otp").out.strip()
    nonce = line.ok("operator", "generate-root", "-init", f"-otp={otp}").rows["Nonce"]
    line.ok("operator", "generate-root", f"-nonce={nonce}", desk.keys[0])
    done = line.ok("operator", "generate-root", f"-nonce={nonce}", "-format=json", desk.keys[1]).json
    decode = (f"-decode={done['encoded_token']}", f"-otp={otp}")
    token = line.ok("operator", "generate-root", *decode).out.strip()
    assert line.ok("token", "lookup", token).rows["policies"] == "[root]"
    line.ok("token", "revoke", token)


def test_new_unseal_keys(desk: Desk, line: Line) -> None:
    assert line.ok("operator", "rekey", "-status").rows["Started"] == "false"
    nonce = line.ok("operator", "rekey", "-init", "-key-shares=3", "-key-threshold=2").rows["Nonce"]
    line.ok("operator", "rekey", f"-nonce={nonce}", desk.keys[0])
    done = line.ok("operator", "rekey", f"-nonce={nonce}", "-format=json", desk.keys[1]).json
    desk.keys[:] = done["keys_base64"]
    line.ok("operator", "seal")
    assert line.run("status").code == 2
    for key in desk.keys[:2]:
        line.ok("operator", "unseal", key)
    assert line.run("status").code == 0


def test_what_is_wrong_with_a_command(line: Line) -> None:
    assert line.run("nope").code == 127
    assert line.run("secrets", "nope").code == 1
    line.no("Not enough arguments", "read", code=1)
    line.no("Must supply data or use -force", "write", "cubbyhole/x", code=1)
    line.no("No value found at nope/x", "read", "nope/x")
    assert line.ok("read", "-output-curl-string", "cubbyhole/x").out.startswith("curl -H ")
