"""The devices over real files, sockets and several processes: whole lines, permissions, reconnecting."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vaultlike.audit.devices.file import FileDevice
from vaultlike.audit.devices.remote import is_remote
from vaultlike.audit.devices.stream import SocketDevice
from vaultlike.audit.devices.syslog import SyslogDevice

WRITER = """
import sys
from vaultlike.audit.devices.file import FileDevice
device = FileDevice(sys.argv[1], 0o600)
for n in range(300):
    device.write((sys.argv[2] * (n * 37 % 9000 + 1)).encode() + b"\\n")
"""


def test_an_executable_file_is_refused(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"#!/bin/sh\n")
    file.chmod(0o700)
    with pytest.raises(PermissionError):
        FileDevice(str(file), 0)
    assert file.read_bytes() == b"#!/bin/sh\n"


def test_permissions(file: Path) -> None:
    FileDevice(str(file), 0o600).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    FileDevice(str(file), 0o640).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    FileDevice(str(file), 0).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_closed_device_writes_nothing(file: Path) -> None:
    device = FileDevice(str(file), 0o600)
    device.close()
    device.close()
    with pytest.raises(OSError, match="closed"):
        device.write(b"x\n")


def test_lines_of_several_processes_never_mix(file: Path) -> None:
    file.parent.mkdir()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(file), letter]) for letter in "abcd"]
    assert [writer.wait(30) for writer in writers] == [0] * 4
    found = file.read_bytes().splitlines()
    assert len(found) == 1200
    assert all(len(set(one)) == 1 for one in found)


def test_a_torn_line_is_ended_before_the_next(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = FileDevice(str(file), 0o600)
    write = os.write
    room = 5

    def full(fd: int, data: bytes) -> int:
        nonlocal room
        taken = write(fd, data[:room])
        room -= taken
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="part of a line"):
            device.write(b"0123456789\n")
    device.write(b"next\n")
    assert file.read_bytes() == b"01234\nnext\n"


def test_discard() -> None:
    device = FileDevice("discard", 0o600)
    assert device.write(b"x\n") is None
    device.reopen()
    device.close()


async def test_stdout(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    device = FileDevice("stdout", 0o600)
    pending = device.write(b"line\n")
    if pending is not None:
        await pending
    device.close()
    assert capfdbinary.readouterr().out == b"line\n"
    os.fstat(1)  # the process keeps its own


async def test_a_pipe_gets_every_line_in_order(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError):
        FileDevice(str(pipe), 0o600)  # nobody reads: opening does not wait
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    device = FileDevice(str(pipe), 0o600)
    pending = [device.write(b"%d\n" % n) for n in range(100)]
    await asyncio.gather(*(one for one in pending if one is not None))
    device.close()
    assert os.read(reader, 1 << 16) == b"".join(b"%d\n" % n for n in range(100))
    os.close(reader)


def test_network_file_systems_are_told_by_their_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0\ntmpfs /srv/local tmpfs rw 0 0\nhost /a\\040b 9p rw 0 0\n"
    )
    for path, remote in (
        ("/var/log/a", False),
        ("/srv/a", True),
        ("/srv/local/a", False),
        ("/srvx/a", False),
        ("/a b/c", True),
    ):
        assert is_remote(path, str(mounts)) is remote, path
    assert is_remote("/srv/a", str(tmp_path / "none")) is False


def test_syslog(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with pytest.raises(OSError):
        SyslogDevice("AUTH", "vaultlike", path)
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(path)
    device = SyslogDevice("local3", "tag", path)
    assert device.write(b'{"a":1}\n') is None
    assert daemon.recv(1000) == b'<158>tag: {"a":1}'
    daemon.close()
    os.unlink(path)
    with pytest.raises(OSError):
        device.write(b"lost\n")
    again = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    again.bind(path)
    device.write(b"next\n")
    assert again.recv(1000) == b"<158>tag: next"
    device.close()
    again.close()


async def test_a_socket_reconnects(tmp_path: Path) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while one := await reader.readline():
            got.put_nowait(one)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    device = SocketDevice(f"127.0.0.1:{port}", "tcp", "2s")

    async def send(line: bytes) -> None:
        pending = device.write(line)
        assert pending is not None
        await pending

    await asyncio.gather(*(send(b"%d" % n * 5000 + b"\n") for n in range(9)))
    assert {await got.get() for _ in range(9)} == {b"%d" % n * 5000 + b"\n" for n in range(9)}
    device.reopen()
    await send(b"after\n")
    assert await got.get() == b"after\n" and len(writers) == 2
    writers[1].close()
    await writers[1].wait_closed()
    await send(b"closed by the other side\n")
    assert await got.get() == b"closed by the other side\n" and len(writers) == 3
    device.close()
    server.close()
    await server.wait_closed()
    with pytest.raises(OSError):
        await send(b"nobody\n")


async def test_a_socket_that_nobody_reads_times_out(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    device = SocketDevice(path, "unix", "1s")
    pending = device.write(b"x" * 10_000_000)
    assert pending is not None
    with pytest.raises(TimeoutError):
        await pending
    device.close()
    listener.close()
