"""Log lines to a pipe that nobody reads, and to one that somebody reads late."""

from __future__ import annotations

import os
import re
import threading

from vaultlike.server.logstream import PatientStream


def test_writing_never_waits_and_every_line_is_written_or_counted() -> None:
    reader, writer = os.pipe()
    stream = PatientStream(writer, max_waiting=100_000)
    for _ in range(1000):
        stream.write("x" * 999 + "\n")
    assert not stream.settle(0.01)  # the pipe is full and nobody reads: yet every write has returned
    read = bytearray()

    def read_all() -> None:
        while data := os.read(reader, 65536):
            read.extend(data)

    late = threading.Thread(target=read_all)
    late.start()
    assert stream.settle(10.0)
    os.close(writer)
    late.join(10.0)
    os.close(reader)
    told = sum(int(count) for count in re.findall(rb"\((\d+) log lines were lost", bytes(read)))
    assert 0 < read.count(b"x" * 999 + b"\n") < 1000
    assert read.count(b"x" * 999 + b"\n") + told + stream.lost == 1000


def test_what_was_lost_is_told_later() -> None:
    reader, writer = os.pipe()
    stream = PatientStream(writer, max_waiting=10)
    stream.write("much too long a line\n")
    assert stream.lost == 1
    stream.write("short\n")
    assert stream.settle(5.0)
    assert os.read(reader, 1000) == b"short\n(1 log lines were lost: nobody read them)\n"
    os.close(reader)
    os.close(writer)


def test_a_reader_that_left_breaks_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = PatientStream(writer)
    stream.write("gone\n")
    assert stream.settle(5.0)
    stream.write("gone too\n")
    assert stream.settle(5.0)
    assert threading.main_thread().is_alive()
    os.close(writer)
