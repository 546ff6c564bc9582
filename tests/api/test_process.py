"""The server as a process: what it refuses to start with, what it prints, and how it reacts to signals."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.api.running import Running, command, environment, refused
from vaultlike.server.devtls import make_certificates
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.testing.process import free_port


def written(folder: Path, port: int, extra: str = "", storage: str = "") -> str:
    """A configuration file; the path of it."""
    file = folder / "server.hcl"
    file.write_text(
        (storage or f'storage "sqlite" {{ path = "{folder}/v.db" }}\n')
        + f'listener "tcp" {{\n address = "127.0.0.1:{port}"\n tls_disable = true\n}}\n{extra}'
    )
    return str(file)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "-config=PATH is needed"),
        (("-confg=x",), "unknown option -confg, did you mean -config?"),
        (("x",), 'unexpected word "x"'),
        (("-config",), "-config needs a value"),
        (("-dev=perhaps",), '-dev: "perhaps" is neither true nor false'),
        (("-workers=two", "-dev"), '-workers: "two" is no number'),
        (("-dev", "-test"), "-test checks a configuration"),
        (("-dev", "-dev-listen-address=nowhere"), 'address "nowhere" is not host:port'),
        (("-dev", "-log-level=loud"), '-log-level: "loud" is not one of'),
        (("-config=/no/such/file.hcl",), "/no/such/file.hcl: cannot be read: No such file or directory"),
    ],
)
def test_bad_words_are_told_in_one_line(tmp_path: Path, words: tuple[str, ...], text: str) -> None:
    ended = refused(tmp_path, *words)
    assert ended.returncode == 1
    assert text in ended.stderr and "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_every_problem_of_a_configuration_is_printed(tmp_path: Path) -> None:
    extra = 'log_levl = "x"\nworkers = 200\nseal "static" { current_key_id = "a" }\n'
    config = written(tmp_path, 1, extra, storage='storage "sqlite" { path = "/no/such/folder/v.db" }\n')
    for words in ((f"-config={config}", "-test"), (f"-config={config}",)):
        ended = refused(tmp_path, *words)
        assert ended.returncode == 1 and "Traceback" not in ended.stderr
        for text in (
            "the configuration has 4 problems",
            f'{config}:6: unknown key "log_levl" in the configuration, did you mean "log_level"?',
            f"{config}:1: storage path /no/such/folder/v.db: the folder /no/such/folder does not exist",
            f'{config}:8: seal "static": current_key_id and current_key go together',
            "workers = 200: at most 64",
        ):
            assert text in ended.stderr, ended.stderr


def test_a_busy_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = refused(tmp_path, f"-config={written(tmp_path, port)}")
    assert ended.returncode == 1
    assert ended.stderr == f"vaultlike server: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert not (tmp_path / "v.db").exists()


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("UPDATE schema_version SET version = 99, needs = 99", "needs a program that knows schema 99"),
        ("PRAGMA application_id = 7", "is an SQLite database of another program"),
    ],
)
async def test_a_database_that_is_not_ours_to_open(tmp_path: Path, statement: str, text: str) -> None:
    engine = SqliteEngine(str(tmp_path / "v.db"))
    await engine.start()
    await engine.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "v.db", isolation_level=None)) as db:
        db.execute(statement)
    ended = refused(tmp_path, f"-config={written(tmp_path, free_port())}")
    assert ended.returncode == 1
    assert text in ended.stderr and len(ended.stderr.strip().splitlines()) == 1


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    config = tmp_path / "a.hcl"
    config.write_text('storage "inmem" {}\nlistener "tcp" {\n tls_cert_file = "/no"\n tls_key_file = "/no"\n}\n')
    ended = refused(tmp_path, f"-config={config}", "-test")
    assert ended.returncode == 1
    assert f'{config}:2: listener "tcp": tls_cert_file or tls_key_file' in ended.stderr


@pytest.mark.parametrize("name", ["dev.hcl", "single-node.hcl"])
def test_the_configurations_that_come_along_can_be_used(tmp_path: Path, name: str) -> None:
    """Their paths of a real machine are put into a folder of this one; nothing else is changed."""
    text = (Path(__file__).parents[2] / "config" / name).read_text()
    files = make_certificates(str(tmp_path), "127.0.0.1", time.time())
    for there, here in (
        ("/etc/vaultlike/tls/server.pem", files.certificate),
        ("/etc/vaultlike/tls/server.key", files.key),
        ("/var/lib/vaultlike", str(tmp_path)),
    ):
        text = text.replace(there, here)
    config = tmp_path / name
    config.write_text(text)
    ended = refused(tmp_path, f"-config={config}", "-test")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "The configuration can be used.\n"
    assert not (tmp_path / "vaultlike.db").exists()  # a check makes nothing


def test_sealed_start_init_unseal_and_a_restart(tmp_path: Path) -> None:
    port = free_port()
    config = written(tmp_path, port, f'pid_file = "{tmp_path}/pid"\n')
    with Running(tmp_path, port, f"-config={config}") as server:
        assert f'tcp (addr: "127.0.0.1:{port}", tls: "disabled")' in server.output
        assert f"sqlite ({tmp_path}/v.db)" in server.output
        assert (tmp_path / "pid").read_text() == f"{server.process.pid}\n"
        assert server.call("GET", "sys/health")[0] == 501
        status, made = server.call("PUT", "sys/init", {"secret_shares": 2, "secret_threshold": 2})
        assert status == 200
        assert server.call("GET", "sys/health")[0] == 503
        assert server.call("PUT", "sys/unseal", {"key": made["keys"][0]})[1]["progress"] == 1
        assert server.call("PUT", "sys/unseal", {"key": made["keys"][1]})[1]["sealed"] is False
        assert server.call("GET", "auth/token/lookup-self", token=made["root_token"])[0] == 200
        assert server.stop(signal.SIGINT) == 0
        assert not (tmp_path / "pid").exists()
    assert stat.S_IMODE((tmp_path / "v.db").stat().st_mode) == 0o600
    with Running(tmp_path, port, f"-config={config}") as server:
        assert server.call("GET", "sys/seal-status")[1]["sealed"] is True
        for key in made["keys"]:
            server.call("PUT", "sys/unseal", {"key": key})
        assert server.call("GET", "auth/token/lookup-self", token=made["root_token"])[0] == 200
        assert server.stop() == 0


def test_a_static_seal_opens_by_itself_and_another_key_is_told(tmp_path: Path) -> None:
    port = free_port()
    seal = 'seal "static" {\n current_key_id = "k"\n current_key = "env://SEAL_KEY"\n}\n'
    config = written(tmp_path, port, seal)
    with Running(tmp_path, port, f"-config={config}", SEAL_KEY="11" * 32) as server:
        order = {"recovery_shares": 1, "recovery_threshold": 1}
        root_token = server.call("PUT", "sys/init", order)[1]["root_token"]
        assert server.call("GET", "sys/seal-status")[1]["sealed"] is False
        assert server.stop() == 0
    with Running(tmp_path, port, f"-config={config}", SEAL_KEY="11" * 32) as server:
        assert server.call("GET", "auth/token/lookup-self", token=root_token)[0] == 200
        assert server.stop() == 0
    ended = refused(tmp_path, f"-config={config}", SEAL_KEY="22" * 32)
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1 and "Traceback" not in ended.stderr
    assert "2222" not in ended.stderr


def test_dev_is_ready_to_use(tmp_path: Path) -> None:
    port = free_port()
    words = ("-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}")
    with Running(tmp_path, port, *words) as server:
        assert server.call("GET", "sys/health")[0] == 200
        assert "Root Token: root\n" in server.output and "Unseal Key: " in server.output
        assert (tmp_path / ".vault-token").read_text() == "root"
        assert stat.S_IMODE((tmp_path / ".vault-token").stat().st_mode) == 0o600
        assert server.call("POST", "secret/data/a", {"data": {"b": "c"}}, "root")[0] == 200
        assert server.call("GET", "secret/data/a", token="root")[1]["data"]["data"] == {"b": "c"}
        assert server.call("GET", "/nothing/here") == (404, {"errors": []})
        assert server.stop() == 0


def test_dev_on_a_port_of_the_systems_choice_names_it(tmp_path: Path) -> None:
    with Running(tmp_path, 0, "-dev", "-dev-no-store-token", "-dev-listen-address=127.0.0.1:0") as server:
        server.port = int(server.output.partition("VAULT_ADDR='http://127.0.0.1:")[2].partition("'")[0])
        assert server.call("GET", "sys/health")[0] == 200


def test_a_unix_socket_goes_with_the_server(tmp_path: Path) -> None:
    config = tmp_path / "a.hcl"
    path = tmp_path / "v.sock"
    config.write_text(f'storage "inmem" {{}}\nlistener "unix" {{\n address = "{path}"\n socket_mode = "660"\n}}\n')
    with Running(tmp_path, 0, f"-config={config}") as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 501 ")
        assert server.stop() == 0
    assert not path.exists()


def test_dev_from_the_environment_stores_nothing_when_told_so(tmp_path: Path) -> None:
    port = free_port()
    where = {"VAULT_DEV_ROOT_TOKEN_ID": "mine", "VAULT_DEV_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    with Running(tmp_path, port, "-dev", "-dev-no-store-token", **where) as server:
        assert server.call("GET", "auth/token/lookup-self", token="mine")[0] == 200
        assert not (tmp_path / ".vault-token").exists()


def test_dev_with_tls_and_the_azure_emulator(tmp_path: Path) -> None:
    port = free_port()
    words = ("-dev", "-dev-tls", f"-dev-tls-cert-dir={tmp_path}", "-dev-azure", f"-dev-listen-address=127.0.0.1:{port}")
    with Running(tmp_path, port, *words, ca_file=f"{tmp_path}/vaultlike-ca.pem") as server:
        assert server.call("GET", "sys/health")[0] == 200
        assert f"export VAULT_CACERT='{tmp_path}/vaultlike-ca.pem'" in server.output
        assert 'environment="AzureEmulator"' in server.output and "resource_manager: https://" in server.output
        token = server.output.partition("Root Token: ")[2].split()[0]
        assert server.call("POST", "sys/auth/azure", {"type": "azure"}, token)[0] == 204
        config = {"tenant_id": "t", "resource": "https://r", "environment": "AzureEmulator"}
        status, answer = server.call("POST", "auth/azure/config", config, token)
        assert status == 204, answer
        assert server.stop() == 0


def test_hangup_reloads_settings_level_and_certificates(tmp_path: Path) -> None:
    port = free_port()
    files = make_certificates(str(tmp_path), "127.0.0.1", time.time())
    config = tmp_path / "a.hcl"
    listener = f'address = "127.0.0.1:{port}"\n tls_cert_file = "{files.certificate}"\n tls_key_file = "{files.key}"'
    text = f'listener "tcp" {{\n {listener}\n}}\n'
    config.write_text(f"{text}max_lease_ttl = 3600\n")
    words = ["-dev", "-dev-root-token-id=root", "-dev-tls", f"-dev-tls-cert-dir={tmp_path}", f"-config={config}"]
    words += [f"-dev-listen-address=127.0.0.1:{port}", f"-log-file={tmp_path}/log.txt"]
    with Running(tmp_path, port, *words, ca_file=files.ca) as server:
        server.log = tmp_path / "log.txt"
        server.ca_file = f"{tmp_path}/vaultlike-ca.pem"
        assert server.call("GET", "sys/mounts/auth/token/tune", token="root")[1]["data"]["max_lease_ttl"] == 3600
        config.write_text(f"{text}max_lease_ttl = 7200\n")
        server.log.rename(tmp_path / "log.1")
        server.ca_file = make_certificates(str(tmp_path), "127.0.0.1", time.time()).ca
        server.send(signal.SIGHUP)
        assert _comes(server.log) and server.logged("reloaded")
        assert server.call("GET", "sys/mounts/auth/token/tune", token="root")[1]["data"]["max_lease_ttl"] == 7200
        config.write_text("nonsense = 1")
        server.send(signal.SIGHUP)
        assert server.logged("not reloaded") and server.logged("unknown key")
        assert server.call("GET", "sys/mounts/auth/token/tune", token="root")[1]["data"]["max_lease_ttl"] == 7200
        assert server.stop() == 0


def _comes(file: Path) -> bool:
    """Whether a file appears in time."""
    for _ in range(1000):
        if file.exists():
            return True
        select.select([], [], [], 0.02)
    return False


def test_systemd_is_told(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        config = written(tmp_path, port, storage='storage "inmem" {}\n')
        with Running(tmp_path, port, f"-config={config}", NOTIFY_SOCKET=str(tmp_path / "notify")) as server:
            assert manager.recv(1024) == b"READY=1"
            server.send(signal.SIGHUP)
            assert manager.recv(1024).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(1024) == b"READY=1"
            assert server.stop() == 0
            assert manager.recv(1024) == b"STOPPING=1"


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    port = free_port()
    words = ("-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}", "-log-level=debug")
    process = subprocess.Popen(
        command(*words), env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    server = Running.__new__(Running)
    server.port, server.ca_file, server.process, server.log = port, "", process, tmp_path / "none"
    server.log.touch()
    with server:
        for _ in range(600):  # a log line of some 200 bytes each: more than a pipe of 64 KiB holds
            assert server.call("GET", "auth/token/lookup-self", token="nonsense-" + "x" * 100)[0] == 403
        assert server.stop() == 0
    assert process.stderr is not None
    process.stderr.close()
