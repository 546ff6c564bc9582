"""status and operator: exit codes, keys, root generation, rekeying."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from .conftest import Cli, FakeServer

SEALED: dict[str, object] = {
    "type": "shamir",
    "initialized": True,
    "sealed": True,
    "t": 3,
    "n": 5,
    "progress": 1,
    "nonce": "n-1",
    "version": "1.14.8",
    "build_date": "2023-12-04T12:00:00Z",
    "migration": False,
    "recovery_seal": False,
    "storage_type": "inmem",
}
UNSEALED = {**SEALED, "sealed": False, "progress": 0, "nonce": "", "cluster_name": "c", "cluster_id": "id"}


def test_status_of_a_sealed_server_is_two(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "sys/seal-status", SEALED)
    server.error("GET", "sys/leader", 503, "Vault is sealed")
    result = cli("status")
    assert result.code == 2
    assert result.out == (
        "Key                Value\n---                -----\nSeal Type          shamir\nInitialized        true\n"
        "Sealed             true\nTotal Shares       5\nThreshold          3\nUnseal Progress    1/3\n"
        "Unseal Nonce       n-1\nVersion            1.14.8\nBuild Date         2023-12-04T12:00:00Z\n"
        "Storage Type       inmem\nHA Enabled         false\n"
    )


def test_status_of_an_unsealed_server(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "sys/seal-status", UNSEALED)
    server.on(
        "GET", "sys/leader", {"ha_enabled": True, "is_self": True, "leader_address": "a", "leader_cluster_address": "b"}
    )
    result = cli("status")
    assert result.code == 0
    assert "Cluster Name" in result.out
    assert "HA Mode                active" in result.out
    as_json = cli("status", "-format=json").json()
    assert isinstance(as_json, dict)
    assert (as_json["sealed"], as_json["ha_enabled"], as_json["n"]) == (False, True, 5)
    assert cli("status", "-field=sealed").out == "false"


def test_init(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "sys/init", 400, "Vault is already initialized")
    server.on("PUT", "sys/init", {"keys": ["aa", "bb"], "keys_base64": ["qg==", "uw=="], "root_token": "hvs.root"})
    refused = cli("operator", "init")
    assert refused.code == 2
    assert refused.err.startswith("Error initializing: Error making API request.")
    text = cli("operator", "init", "-n=2", "-t", "2").out
    assert text.startswith("Unseal Key 1: qg==\nUnseal Key 2: uw==\n\nInitial Root Token: hvs.root\n\n")
    assert server.seen[-1].body == {"secret_shares": 2, "secret_threshold": 2}
    assert cli("operator", "init", "-key-shares=2", "-key-threshold=2", "-format=json").json() == {
        "unseal_keys_b64": ["qg==", "uw=="],
        "unseal_keys_hex": ["aa", "bb"],
        "unseal_shares": 2,
        "unseal_threshold": 2,
        "recovery_keys_b64": [],
        "recovery_keys_hex": [],
        "recovery_keys_shares": 5,
        "recovery_keys_threshold": 3,
        "root_token": "hvs.root",
    }


def test_init_of_a_server_that_unseals_itself_asks_for_recovery_keys(cli: Cli, server: FakeServer) -> None:
    server.on("GET", "sys/seal-status", {**SEALED, "type": "transit", "initialized": False, "recovery_seal": True})
    answer = {"keys": [], "keys_base64": [], "recovery_keys": ["aa"], "recovery_keys_base64": ["qg=="]}
    server.on("PUT", "sys/init", {**answer, "root_token": "hvs.root"})
    text = cli("operator", "init").out
    assert server.last("PUT").body == {"recovery_shares": 5, "recovery_threshold": 3}
    assert "Recovery Key 1: qg==" in text
    assert "unseals itself" in text
    cli("operator", "init", "-recovery-shares=1", "-recovery-threshold=1")
    assert server.last("PUT").body == {"recovery_shares": 1, "recovery_threshold": 1}
    cli("operator", "init", "-key-shares=1", "-key-threshold=1")
    assert server.last("PUT").body == {"secret_shares": 1, "secret_threshold": 1}


@pytest.mark.parametrize(("initialized", "code"), [(True, 0), (False, 2)])
def test_init_status(cli: Cli, server: FakeServer, initialized: bool, code: int) -> None:
    server.on("GET", "sys/init", {"initialized": initialized})
    assert cli("operator", "init", "-status").code == code


def test_pgp_keys_are_read_from_files(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    server.on("PUT", "sys/init", {"keys": [], "keys_base64": [], "root_token": "t"})
    binary, armored = tmp_path / "a.gpg", tmp_path / "b.asc"
    binary.write_bytes(b"\x99key")
    armored.write_text(
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\nmQEN\nBFXX\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
    cli("operator", "init", f"-pgp-keys={binary},@{armored}", "-key-shares=2", "-key-threshold=2")
    assert server.seen[0].body is not None
    assert server.seen[0].body["pgp_keys"] == [base64.b64encode(b"\x99key").decode(), "mQENBFXX"]


def test_unseal(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "sys/unseal", 400, "'key' must be a valid hex or base64 string")
    server.on("PUT", "sys/unseal", SEALED)
    assert cli("operator", "unseal", "zz").code == 2
    result = cli("operator", "unseal", "abcd")
    assert result.code == 0
    assert "Unseal Progress    1/3" in result.out
    assert server.last("PUT").body == {"key": "abcd", "migrate": False}
    assert "x-vault-token" not in server.last("PUT").headers
    cli("operator", "unseal", "-", stdin="abcd\n")
    assert server.last("PUT").body == {"key": "abcd", "migrate": False}
    cli("operator", "unseal", "-reset")
    assert server.last("PUT").body == {"reset": True}


def test_unseal_without_a_terminal_says_how(cli: Cli, server: FakeServer) -> None:
    result = cli("operator", "unseal")
    assert result.code == 1
    assert "standard input" in result.err
    assert server.seen == []


def test_seal_step_down_rotate_key_status(cli: Cli, server: FakeServer) -> None:
    for path in ("sys/seal", "sys/step-down", "sys/rotate"):
        server.on("PUT", path)
    server.enveloped("GET", "sys/key-status", {"term": 2, "install_time": "2026-01-01T00:00:00Z", "encryptions": 7})
    assert cli("operator", "seal").out.startswith("Success! ")
    assert cli("operator", "step-down").out == f"Success! Stepped down: {server.url}\n"
    table = "Key Term            2\nInstall Time        2026-01-01T00:00:00Z\nEncryption Count    7\n"
    assert cli("operator", "key-status").out == table
    assert cli("operator", "rotate").out == f"Success! Rotated key\n\n{table}"


def encoded(token: str, otp: str) -> str:
    mixed = bytes(a ^ b for a, b in zip(token.encode(), otp.encode(), strict=True))
    return base64.b64encode(mixed).decode().rstrip("=")


@pytest.mark.parametrize(
    ("value", "otp", "code"), [("!!", "x", 2), ("QUJD", "12", 2), ("", "x", 1), ("QUJD", "", 1), ("/v7+", "abc", 2)]
)
def test_a_token_that_cannot_be_decoded(cli: Cli, value: str, otp: str, code: int) -> None:
    assert cli("operator", "generate-root", f"-decode={value}", f"-otp={otp}").code == code


def test_decoding_needs_no_server(cli: Cli, server: FakeServer) -> None:
    token, otp = "hvs.abcdefghijklmnopqrstuvwx", "0123456789012345678901234567"
    words = ("-address", "https://127.0.0.1:1", "-tls-skip-verify", "-decode", encoded(token, otp), "-otp", otp)
    assert cli("operator", "generate-root", *words).out == token + "\n"
    assert cli("operator", "generate-root", "-format=json", *words).json() == {"token": token}
    assert server.seen == []


def test_generate_root(cli: Cli, server: FakeServer) -> None:
    idle = {"nonce": "", "started": False, "progress": 0, "required": 3, "complete": False, "otp": "", "otp_length": 28}
    server.on("GET", "sys/generate-root/attempt", idle)
    server.on("PUT", "sys/generate-root/attempt", {**idle, "nonce": "n", "started": True, "otp": "OTP"})
    done = {**idle, "nonce": "n", "complete": True, "progress": 3, "encoded_token": "ENC"}
    server.on("PUT", "sys/generate-root/update", done)
    server.on("DELETE", "sys/generate-root/attempt")
    assert cli("operator", "generate-root", "key").code == 2
    assert "OTP           OTP" in cli("operator", "generate-root", "-init").out
    assert "Encoded Token    ENC" in cli("operator", "generate-root", "-nonce=n", "key").out
    assert server.seen[-1].body == {"key": "key", "nonce": "n"}
    assert "canceled" in cli("operator", "generate-root", "-cancel").out
    otp = cli("operator", "generate-root", "-generate-otp").out.strip()
    assert len(otp) == 28
    assert otp.isalnum()


def test_rekey(cli: Cli, server: FakeServer) -> None:
    idle = {"nonce": "", "started": False, "t": 0, "n": 0, "progress": 0, "required": 3, "verification_required": False}
    running = {**idle, "nonce": "n", "started": True, "t": 2, "n": 3}
    server.on("GET", "sys/rekey/init", idle)
    server.on("GET", "sys/rekey/init", running)
    server.on("PUT", "sys/rekey/init", running)
    server.on("PUT", "sys/rekey/update", {**running, "progress": 1})
    server.on("PUT", "sys/rekey/update", {"nonce": "n", "complete": True, "keys": ["aa"], "keys_base64": ["qg=="]})
    server.on("PUT", "sys/rekey/verify", {"nonce": "n", "complete": True})
    server.on("DELETE", "sys/rekey/init")
    assert cli("operator", "rekey", "key").code == 2
    assert cli("operator", "rekey", "-target=moon", "-status").code == 1
    assert "Rekey Progress" in cli("operator", "rekey", "-init", "-key-shares=3", "-key-threshold=2").out
    assert "1/3" in cli("operator", "rekey", "key").out
    assert "Key 1: qg==" in cli("operator", "rekey", "-nonce=n", "key").out
    assert "verification successful" in cli("operator", "rekey", "-verify", "-nonce=n", "newkey").out
    assert cli("operator", "rekey", "-cancel").code == 0
