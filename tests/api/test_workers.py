"""Several serving processes behind one address: sealed and unsealed together, replaced when they crash, drained."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.running import PATIENCE, Running, refused
from vaultlike.testing.process import free_port


def written(folder: Path, port: int, extra: str = "") -> str:
    """A configuration file for two workers; the path of it."""
    file = folder / "server.hcl"
    file.write_text(
        f'storage "sqlite" {{ path = "{folder}/v.db" }}\n'
        f'listener "tcp" {{\n address = "127.0.0.1:{port}"\n tls_disable = true\n}}\nworkers = 2\n{extra}'
    )
    return str(file)


def children(server: Running) -> list[int]:
    """The process numbers of the workers, the first one first."""
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def comes(fact: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Whether something becomes true in time, which is `patience` seconds."""
    until = time.monotonic() + patience
    while not fact():
        if time.monotonic() > until:
            return False
        select.select([], [], [], 0.02)  # another process' progress cannot be awaited otherwise
    return True


def replaced(server: Running, gone: int) -> bool:
    """Whether there are two workers, neither of which is the one that is gone."""
    now = children(server)
    return len(now) == 2 and gone not in now


class Both:
    """A kept connection to each of the two workers, found by which process has accepted what."""

    def __init__(self, server: Running) -> None:
        self._connections: dict[int, HTTPConnection] = {}
        for _ in range(200):
            connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            connection.request("GET", "/v1/sys/health")
            connection.getresponse().read()
            assert connection.sock is not None
            owner = _owner(children(server), server.port, connection.sock.getsockname()[1])
            if owner in self._connections:
                connection.close()
            else:
                self._connections[owner] = connection
            if len(self._connections) == 2:
                break
        assert len(self._connections) == 2, "one worker has accepted every connection"

    def call(self, method: str, path: str, body: object = None, token: str = "") -> list[tuple[int, Any]]:
        """The same request to each worker, in the order of their process numbers."""
        answers = []
        for _, connection in sorted(self._connections.items()):
            data = None if body is None else msgspec.json.encode(body)
            connection.request(method, f"/v1/{path}", data, {"X-Vault-Token": token} if token else {})
            answer = connection.getresponse()
            content = answer.read()
            answers.append((answer.status, msgspec.json.decode(content) if content else None))
        return answers

    def statuses(self, method: str, path: str, body: object = None, token: str = "") -> list[int]:
        """Only the statuses."""
        return [status for status, _ in self.call(method, path, body, token)]

    def close(self) -> None:
        """Closes both."""
        for connection in self._connections.values():
            connection.close()


def _owner(pids: list[int], port: int, client: int) -> int:
    """The process that holds the server's end of a connection of the client port `client`."""
    inode = ""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].rpartition(":")[2], 16) == port and int(words[2].rpartition(":")[2], 16) == client:
            inode = words[9]
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(handle) == f"socket:[{inode}]":
                    return pid
            except FileNotFoundError:
                continue
    raise AssertionError(f"no worker holds the connection from port {client}")


def opened(server: Running) -> str:
    """Initialises with five keys and unseals with three, each over a connection of its own; the root token."""
    status, made = server.call("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})
    assert status == 200, made
    for number, key in enumerate(made["keys"][1:4], 1):
        status, state = server.call("PUT", "sys/unseal", {"key": key})
        assert (status, state["progress"]) == (200, number % 3), state
    (server.log.parent / "keys").write_text(" ".join(made["keys"]))
    token: str = made["root_token"]
    return token


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server with two workers, not initialised."""
    port = free_port()
    with Running(tmp_path, port, f"-config={written(tmp_path, port)}") as running:
        yield running


def test_what_is_in_memory_has_one_process(tmp_path: Path) -> None:
    ended = refused(tmp_path, "-dev", "-workers=2")
    assert ended.returncode == 1
    assert "workers = 2: what is kept in memory has one process" in ended.stderr


def test_a_busy_port_is_told_although_workers_share_theirs(server: Running, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    ended = refused(again, f"-config={written(again, server.port)}")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        f"vaultlike server: cannot listen on 127.0.0.1:{server.port}: Address already in use"
    )


def test_a_worker_that_cannot_start_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "v.db").write_bytes(b"this is no database " * 500)
    ended = refused(tmp_path, f"-config={written(tmp_path, free_port())}")
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "cannot open the storage file" in ended.stderr.splitlines()[-1]


def test_progress_is_one_whoever_is_asked(server: Running) -> None:
    both = Both(server)
    assert both.statuses("GET", "sys/health") == [501, 501]
    made = both.call("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})
    assert [status for status, _ in made] == [200, 400]  # the second worker knows of the first one's
    keys, token = made[0][1]["keys"], made[0][1]["root_token"]
    progress = [state["progress"] for _, state in both.call("PUT", "sys/unseal", {"key": keys[0]})]
    assert progress == [1, 1]  # the same key counts once
    assert [state["progress"] for _, state in both.call("GET", "sys/seal-status")] == [1, 1]
    for key in keys[3:]:
        server.call("PUT", "sys/unseal", {"key": key})
    assert both.statuses("GET", "sys/health") == [200, 200]
    assert both.statuses("PUT", "sys/rekey/init", {"secret_shares": 1, "secret_threshold": 1}) == [200, 400]
    nonces = {state["nonce"] for _, state in both.call("GET", "sys/rekey/init")}
    assert len(nonces) == 1 and "" not in nonces
    nonce = nonces.pop()
    answers = [server.call("PUT", "sys/rekey/update", {"key": key, "nonce": nonce}) for key in keys[:3]]
    assert [status for status, _ in answers] == [200, 200, 200] and answers[2][1]["complete"] is True
    assert both.statuses("GET", "auth/token/lookup-self", token=token) == [200, 200]  # the new root key is everybody's
    started = [state["started"] for _, state in both.call("GET", "sys/generate-root/attempt")]
    assert started == [False, False]
    assert both.statuses("PUT", "sys/generate-root/attempt", {}) == [200, 400]
    both.close()
    before = children(server)[1]
    os.kill(before, signal.SIGKILL)
    assert comes(partial(replaced, server, before))  # by one that opens with the new root key
    both = Both(server)
    assert both.statuses("GET", "auth/token/lookup-self", token=token) == [200, 200]
    both.close()


def test_a_token_is_one_of_both_and_ends_at_once_on_both(server: Running) -> None:
    root = opened(server)
    both = Both(server)
    made = both.call("POST", "auth/token/create", {"policies": ["default"]}, root)
    for status, answer in made:
        assert status == 200
        token = answer["auth"]["client_token"]
        assert both.statuses("GET", "auth/token/lookup-self", token=token) == [200, 200]
        server.call("POST", "auth/token/revoke", {"token": token}, root)
        assert both.statuses("GET", "auth/token/lookup-self", token=token) == [403, 403]
    both.close()


def test_a_namespace_is_made_locked_moved_out_of_and_deleted_for_both(server: Running) -> None:
    root = opened(server)
    both = Both(server)
    for name in ("team", "other"):
        assert server.call("POST", f"sys/namespaces/{name}", {}, root)[0] == 200
    assert server.call("POST", "team/sys/mounts/kv", {"type": "kv"}, root)[0] == 204
    assert both.statuses("POST", "team/kv/a", {"x": "y"}, root) == [204, 204]
    token = server.call("POST", "team/auth/token/create", {"policies": ["default"]}, root)[1]["auth"]["client_token"]
    assert both.statuses("GET", "team/auth/token/lookup-self", token=token) == [200, 200]
    assert both.statuses("GET", "team/cubbyhole/x", token=token) == [404, 404]
    assert both.statuses("GET", "cubbyhole/x", token=token) == [403, 403]
    status, lock = server.call("POST", "sys/namespaces/api-lock/lock/team", {}, root)
    assert status == 200
    assert both.statuses("GET", "team/kv/a", token=root) == [503, 503]
    assert server.call("POST", "sys/namespaces/api-lock/unlock/team", lock["data"], root)[0] == 204
    assert both.statuses("GET", "team/kv/a", token=root) == [200, 200]
    assert server.call("POST", "sys/remount", {"from": "team/kv", "to": "other/kv"}, root)[0] == 200
    assert both.statuses("GET", "team/kv/a", token=root) == [404, 404]
    assert [answer["data"] for _, answer in both.call("GET", "other/kv/a", token=root)] == [{"x": "y"}] * 2
    assert server.call("DELETE", "sys/namespaces/team", None, root)[0] == 200
    assert both.statuses("GET", "team/auth/token/lookup-self", token=token) == [403, 403]
    assert both.statuses("GET", "team/sys/mounts", token=root) == [404, 404]
    both.close()


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_worker_is_replaced_and_unsealed(server: Running, which: int) -> None:
    root = opened(server)
    before = children(server)
    os.kill(before[which], signal.SIGKILL)
    assert server.logged("a worker has ended and is started again")
    assert comes(partial(replaced, server, before[which]))
    both = Both(server)  # waits for the new one, whose socket was open all the time
    assert both.statuses("GET", "auth/token/lookup-self", token=root) == [200, 200]
    assert both.statuses("PUT", "sys/seal", token=root) == [204, 503]
    assert both.statuses("GET", "sys/health") == [503, 503]
    both.close()


@pytest.mark.parametrize("which", [0, 1])
def test_sealing_one_seals_all_and_a_new_one_stays_sealed(server: Running, which: int) -> None:
    root = opened(server)
    both = Both(server)
    asked = sorted(both._connections)[which]
    connection = both._connections[asked]
    connection.request("PUT", "/v1/sys/seal", headers={"X-Vault-Token": root})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 204
    assert both.statuses("GET", "sys/health") == [503, 503]
    assert both.statuses("GET", "auth/token/lookup-self", token=root) == [503, 503]
    both.close()
    before = children(server)
    os.kill(before[which], signal.SIGKILL)
    assert comes(partial(replaced, server, before[which]))
    both = Both(server)
    assert both.statuses("GET", "sys/health") == [503, 503]
    for key in (server.log.parent / "keys").read_text().split()[:3]:
        server.call("PUT", "sys/unseal", {"key": key})
    assert both.statuses("GET", "auth/token/lookup-self", token=root) == [200, 200]
    both.close()


def test_a_worker_that_hangs_does_not_keep_its_keys(server: Running) -> None:
    root = opened(server)
    before = children(server)
    assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1  # a process with threads must not fork
    os.kill(before[1], signal.SIGSTOP)
    asked = _asked(server, before[0])
    asked.request("PUT", "/v1/sys/seal", headers={"X-Vault-Token": root})
    assert asked.getresponse().status == 204
    asked.close()
    assert server.logged("a worker hangs and is killed")
    assert comes(partial(replaced, server, before[1]))
    both = Both(server)
    assert both.statuses("GET", "sys/health") == [503, 503]
    both.close()


def _asked(server: Running, worker: int) -> HTTPConnection:
    """A connection to that worker, which is the only one that accepts any."""
    while True:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.connect()
        client: int = connection.sock.getsockname()[1]
        if comes(partial(_accepted, server.port, client, worker), 0.2):
            return connection
        connection.close()


def _accepted(port: int, client: int, worker: int) -> bool:
    try:
        return _owner([worker], port, client) == worker
    except AssertionError:
        return False


def test_a_static_seal_that_was_sealed_by_hand_stays_so_in_a_new_worker(tmp_path: Path) -> None:
    port = free_port()
    seal = 'seal "static" {\n current_key_id = "k"\n current_key = "env://SEAL_KEY"\n}\n'
    with Running(tmp_path, port, f"-config={written(tmp_path, port, seal)}", SEAL_KEY="11" * 32) as server:
        both = Both(server)
        made = server.call("PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})[1]
        assert both.statuses("GET", "sys/health") == [200, 200]
        assert server.call("PUT", "sys/seal", token=made["root_token"])[0] == 204
        both.close()
        for which in (0, 1):
            before = children(server)
            os.kill(before[which], signal.SIGKILL)
            assert comes(partial(replaced, server, before[which]))
            both = Both(server)
            assert both.statuses("GET", "sys/health") == [503, 503]
            both.close()
        assert server.stop() == 0
    with Running(tmp_path, port, f"-config={tmp_path}/server.hcl", SEAL_KEY="11" * 32) as server:
        assert server.call("GET", "auth/token/lookup-self", token=made["root_token"])[0] == 200


def test_hangup_reaches_every_worker_and_systemd_hears_of_it(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        config = written(tmp_path, port, f'max_lease_ttl = 3600\npid_file = "{tmp_path}/pid"\n')
        with Running(tmp_path, port, f"-config={config}", NOTIFY_SOCKET=str(tmp_path / "notify")) as server:
            assert (tmp_path / "pid").read_text() == f"{server.process.pid}\n"
            assert manager.recv(1024) == b"READY=1"
            root = opened(server)
            both = Both(server)
            written(tmp_path, port, "max_lease_ttl = 7200\n")
            server.send(signal.SIGHUP)
            assert manager.recv(1024).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(1024) == b"READY=1"  # all of them have
            tuned = [
                answer["data"]["max_lease_ttl"]
                for _, answer in both.call("GET", "sys/mounts/auth/token/tune", token=root)
            ]
            assert tuned == [7200, 7200]
            both.close()
            assert server.stop() == 0
            assert manager.recv(1024) == b"STOPPING=1"
            assert not (tmp_path / "pid").exists()


def test_a_running_request_is_finished_and_nobody_new_is_let_in(server: Running) -> None:
    opened(server)
    workers = children(server)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"POST /v1/auth/token/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        assert comes(lambda: _received(server.port, client.getsockname()[1]))
        server.send(signal.SIGTERM)
        assert comes(lambda: _closed(server.port))
        client.sendall(b"}")
        assert client.recv(1000).startswith(b"HTTP/1.1 403 ")
    assert server.process.wait(PATIENCE) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def _received(port: int, client: int) -> bool:
    """Whether the server has read everything that came over a connection."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].rpartition(":")[2], 16) == port and int(words[2].rpartition(":")[2], 16) == client:
            return words[4].rpartition(":")[2] == "00000000" and words[9] != "0"
    return False


def _closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_workers_do_not_outlive_their_supervisor(server: Running) -> None:
    workers = children(server)
    server.stop(signal.SIGKILL)
    assert comes(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_rate_limit_is_one_for_all_workers(server: Running) -> None:
    root = opened(server)
    body = {"path": "sys/internal/ui/mounts", "rate": 5, "interval": "1h"}
    assert server.call("POST", "sys/quotas/rate-limit/q", body, root)[0] == 204
    both = Both(server)
    found = [status for _ in range(5) for status in both.statuses("GET", "sys/internal/ui/mounts")]
    assert found == [200] * 5 + [429] * 5
    both.close()


def test_metrics_are_of_all_workers(server: Running) -> None:
    root = opened(server)
    both = Both(server)

    def requests() -> list[int]:
        bodies = [body for _, body in both.call("GET", "sys/metrics", token=root)]
        return [one["Count"] for body in bodies for one in body["Samples"] if one["Name"].endswith("handle_request")]

    first, second = requests()
    assert second == first + 1  # the second worker knows of the first one's answer
    for _ in range(10):
        both.call("GET", "sys/auth", token=root)
    assert requests() == [second + 21, second + 22]
    both.close()


def test_the_gauges_of_mounts_are_told_by_worker(server: Running) -> None:
    root = opened(server)
    both = Both(server)
    both.call("POST", "sys/auth/jwt", {"type": "jwt"}, token=root)
    nobody = f"http://127.0.0.1:{free_port()}/jwks"
    server.call("POST", "auth/jwt/config", {"jwks_url": nobody, "skip_jwks_validation": True}, token=root)
    both.call("GET", "auth/jwt/config", token=root)  # asks for the keys, in vain
    _, (status, body) = both.call("GET", "sys/metrics", token=root)
    assert status == 200
    failing = [one["Labels"] for one in body["Gauges"] if one["Name"] == "vault.mount.key_source.failing"]
    labels = {"namespace": "root", "mount": "auth/jwt/", "source": nobody, "error": "ConnectionFailed"}
    assert sorted(failing, key=lambda one: str(one["worker"])) == [{**labels, "worker": each} for each in "01"]
    both.close()
