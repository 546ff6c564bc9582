"""Counting in a table of fixed size: exact within an interval, over several processes, whatever else is counted."""

from __future__ import annotations

import os

from vaultlike.core import windows
from vaultlike.core.windows import Windows


def test_an_interval_has_so_many() -> None:
    table = Windows(os.urandom)
    assert [table.take("a", 100.0, 2, 10, 0) for _ in range(4)] == [0, 0, 10, 10]
    assert table.take("b", 100.0, 2, 10, 0) == 0
    assert table.take("a", 109.5, 2, 10, 0) == 0.5
    assert [table.take("a", 110.0, 2, 10, 0) for _ in range(3)] == [0, 0, 10]


def test_blocking_outlasts_the_interval() -> None:
    table = Windows(os.urandom)
    assert [table.take("a", 0.5, 1, 1, 60) for _ in range(2)] == [0, 60]
    assert table.take("a", 30.5, 1, 1, 60) == 30  # asking again does not prolong it
    assert table.take("a", 60.5, 1, 1, 60) == 0


def test_a_full_table_forgets_whose_interval_ends_first() -> None:
    table = Windows(os.urandom)
    windows_before, windows.BUCKETS = windows.BUCKETS, 1
    try:
        for number in range(windows.WAYS):
            assert table.take(f"k{number}", float(number), 1, 100, 0) == 0
        assert all(table.take(f"k{number}", 8.0, 1, 100, 0) > 0 for number in range(windows.WAYS))
        assert table.take("new", 9.0, 1, 100, 0) == 0
        assert table.take("k7", 9.0, 1, 100, 0) > 0
        assert table.take("k0", 9.0, 1, 100, 0) == 0  # forgotten
    finally:
        windows.BUCKETS = windows_before


def test_processes_count_together() -> None:
    table = Windows(os.urandom, shared=True)
    children, each, allowed = 4, 500, 777
    pids, reads = [], []
    for _ in range(children):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            passed = sum(table.take("one", 1.0, allowed, 60, 0) == 0 for _ in range(each))
            os.write(write, str(passed).encode())
            os._exit(0)
        os.close(write)
        pids.append(pid)
        reads.append(read)
    passed = 0
    for pid, read in zip(pids, reads, strict=True):
        passed += int(os.read(read, 100))
        os.close(read)
        assert os.waitpid(pid, 0)[1] == 0
    assert passed == allowed
