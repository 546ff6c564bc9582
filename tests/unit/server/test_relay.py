"""Frames between workers: what is refused, and that every question gets one answer and never another's."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultlike.server.frames import HEAD, MAX_PAYLOAD, BadFrame, Buffer, Frame, Kind, encode
from vaultlike.server.relay import Relay


class Workers:
    """The ends of three workers, and the relay between them."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.relay = Relay(self.selector)
        self.ends: dict[int, socket.socket] = {}
        self.buffers: dict[int, Buffer] = {}
        for number in range(3):
            self.start(number)

    def start(self, number: int) -> None:
        ours, self.ends[number] = socket.socketpair()
        self.ends[number].setblocking(False)
        self.buffers[number] = Buffer()
        self.relay.add(number, ours)

    def end(self, number: int) -> None:
        self.ends[number].close()
        self.relay.remove(number)

    def pump(self) -> list[Frame]:
        """Passes on everything that was sent; what the supervisor was told."""
        told: list[Frame] = []
        while ready := self.selector.select(0):
            for key, events in ready:
                told += self.relay.take(key.data, events)
        return told

    def heard(self, number: int) -> list[Frame]:
        """What a worker has received."""
        while True:
            try:
                self.buffers[number].add(self.ends[number].recv(1 << 20))
            except BlockingIOError:
                return self.buffers[number].frames()

    def close(self) -> None:
        for end in self.ends.values():
            end.close()
        self.relay.close()
        self.selector.close()


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers()
    yield made
    made.close()


@pytest.mark.parametrize("head", [HEAD.pack(MAX_PAYLOAD + 1, Kind.ASK, 0, 0), HEAD.pack(0, 99, 0, 0)])
def test_bytes_that_no_worker_sends(workers: Workers, head: bytes) -> None:
    workers.ends[1].send(head)
    with pytest.raises(BadFrame):
        workers.pump()


def test_a_payload_that_is_too_large() -> None:
    with pytest.raises(BadFrame):
        encode(Frame(Kind.ASK, 0, 0, bytes(MAX_PAYLOAD + 1)))


def test_nothing_of_a_payload_is_shown() -> None:
    assert "secret" not in repr(Frame(Kind.ASK, 0, 0, b"secret"))


def test_a_line_that_ends(workers: Workers) -> None:
    workers.ends[1].close()
    with pytest.raises(ConnectionError):
        workers.pump()


@pytest.mark.parametrize("target", [1, 2, 200])
def test_a_question_to_nobody(workers: Workers, target: int) -> None:
    workers.end(2)
    workers.ends[1].send(encode(Frame(Kind.ASK, target, 7)))
    assert workers.pump() == []
    assert workers.heard(1) == [Frame(Kind.GONE, target, 7)]


def test_an_answer_that_nobody_asked_for_goes_nowhere(workers: Workers) -> None:
    workers.ends[1].send(encode(Frame(Kind.ANSWER, 0, 7, b"x")))
    assert workers.pump() == [] and workers.heard(0) == []


def test_whoever_asked_one_that_ends_is_told_once(workers: Workers) -> None:
    workers.ends[1].send(encode(Frame(Kind.ASK, 0, 7, b"q")) + encode(Frame(Kind.ASK, 2, 8, b"q")))
    workers.pump()
    workers.end(0)
    workers.start(0)
    workers.ends[0].send(encode(Frame(Kind.ANSWER, 1, 7, b"late")))
    workers.pump()
    assert workers.heard(1) == [Frame(Kind.GONE, 0, 7)]


def test_a_new_worker_gets_no_answer_of_its_predecessor(workers: Workers) -> None:
    workers.ends[1].send(encode(Frame(Kind.ASK, 0, 1, b"q")))
    workers.pump()
    workers.end(1)
    workers.start(1)
    workers.ends[0].send(encode(Frame(Kind.ANSWER, 1, 1, b"old")))
    workers.pump()
    assert workers.heard(1) == []


def test_question_answer_and_word_to_the_supervisor(workers: Workers) -> None:
    workers.ends[1].send(encode(Frame(Kind.ASK, 0, 7, b"question")) + encode(Frame(Kind.READY, 0, 0)))
    assert workers.pump() == [Frame(Kind.READY, 1, 0)]
    assert workers.heard(0) == [Frame(Kind.ASK, 1, 7, b"question")]
    workers.ends[0].send(encode(Frame(Kind.ANSWER, 1, 7, b"answer")) * 2)
    workers.pump()
    assert workers.heard(1) == [Frame(Kind.ANSWER, 0, 7, b"answer")]


def test_a_worker_that_does_not_read_stops_nobody(workers: Workers) -> None:
    big = encode(Frame(Kind.ASK, 0, 1, bytes(MAX_PAYLOAD)))
    workers.ends[1].setblocking(False)
    for number in range(3):
        data = HEAD.pack(MAX_PAYLOAD, Kind.ASK, 0, number) + big[HEAD.size :]
        while data:
            try:
                data = data[workers.ends[1].send(data) :]
            except BlockingIOError:
                for key, events in workers.selector.select(0):
                    workers.relay.take(key.data, events)
    for key, events in workers.selector.select(0):
        workers.relay.take(key.data, events)
    workers.ends[2].send(encode(Frame(Kind.ASK, 1, 9, b"hello")))
    for key, events in workers.selector.select(0):
        workers.relay.take(key.data, events)
    assert workers.heard(1) == [Frame(Kind.ASK, 2, 9, b"hello")]
    found: list[Frame] = []
    while len(found) < 3:
        found += workers.heard(0)
        workers.pump()
    assert [(frame.number, len(frame.payload)) for frame in found] == [(number, MAX_PAYLOAD) for number in range(3)]


@given(payloads=st.lists(st.binary(max_size=40), max_size=6), cuts=st.lists(st.integers(1, 60)))
def test_frames_come_out_as_they_went_in_however_they_are_cut(payloads: list[bytes], cuts: list[int]) -> None:
    sent = [Frame(Kind.ASK, number, number, payload) for number, payload in enumerate(payloads)]
    data, buffer, found = b"".join(encode(frame) for frame in sent), Buffer(), []
    for cut in [*cuts, len(data)]:
        buffer.add(data[:cut])
        data = data[cut:]
        found += buffer.frames()
    assert found == sent and len(buffer) == 0
