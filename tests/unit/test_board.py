"""Pages that processes post for each other."""

from __future__ import annotations

import os

from vaultlike.board import PAGE, Board


def test_what_does_not_fit() -> None:
    board = Board()
    assert board.fits(b"x" * (PAGE - 8)) and not board.fits(b"x" * (PAGE - 7))


def test_a_torn_note_is_left_out() -> None:
    board = Board(2)
    board.post(b"whole")
    board.take_page(1)
    board.post(b"second")
    board._memory[10] ^= 1  # as if the writer were in the middle of it
    assert board.notes() == [(1, b"second")]
    board._memory[0:4] = b"\xff" * 4
    assert board.notes() == [(1, b"second")]


def test_processes_read_each_other() -> None:
    board = Board(3)
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            board.take_page(number)
            board.post(b"longer than the next")
            board.post(b"of %d" % number)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    assert board.notes() == [(0, b"of 0"), (1, b"of 1"), (2, b"of 2")]
    board.take_page(1)  # a new process in place of a dead one
    assert board.notes() == [(0, b"of 0"), (2, b"of 2")]
