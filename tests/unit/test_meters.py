"""Numbers that several processes count and each of them tells."""

from __future__ import annotations

import os

from vaultlike.meters import ALL, DONE, FAILED, REQUESTS, Meters, Total


def test_numbers_are_places_in_a_row() -> None:
    assert [meter.number for meter in ALL] == list(range(len(ALL)))


def test_one_process() -> None:
    meters = Meters()
    assert meters.total(REQUESTS) == Total(0, 0, 0)
    meters.add(REQUESTS, 2.5)
    meters.add(REQUESTS, 1.5)
    meters.add(FAILED)
    assert meters.total(REQUESTS) == Total(2, 4.0, 2.5)
    assert meters.total(FAILED) == Total(1, 0, 0)
    assert meters.total(DONE) == Total(1, 0, 0)


def test_processes_add_up() -> None:
    meters = Meters(3)
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            meters.take_row(number)
            for _ in range(100):
                meters.add(REQUESTS, float(number + 1))
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    assert meters.total(REQUESTS) == Total(300, 600.0, 3.0)
