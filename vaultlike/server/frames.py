"""How the processes of one server speak over their socket pairs: frames, and the supervisor's passing them on.

A frame is a size, a kind, a process and a number, then bytes that only its receiver reads. On its way to the
supervisor `peer` is whom the frame is for, on its way from it whom it is from.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from msgspec import Struct

HEAD = struct.Struct(">IBBI")  # bytes that follow the head, kind, peer, number
MAX_PAYLOAD = 4 * 1024 * 1024  # bytes


class Kind(IntEnum):
    """What a frame is."""

    READY = 1  # to the supervisor: this process serves; also: it has read its configuration again
    FAILED = 2  # to the supervisor: this process cannot start, and why
    ASK = 3  # to another process
    ANSWER = 4  # to the process that asked, with the number of the question
    GONE = 5  # from the supervisor: there is nobody who could answer
    KILL = 6  # to the supervisor: the process named does not do what it must, and may not live on


class Frame(Struct, gc=False):
    """One frame. The payload may hold a key: it is never shown."""

    kind: Kind
    peer: int
    number: int
    payload: bytes = b""

    def __repr__(self) -> str:
        return f"Frame({self.kind.name}, peer={self.peer}, number={self.number}, {len(self.payload)} bytes)"


class BadFrame(Exception):
    """Bytes that no process of this program sends."""


def encode(frame: Frame) -> bytes:
    """A frame as bytes. Raises BadFrame when it is too large."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise BadFrame(f"a payload of {len(frame.payload)} bytes")
    return HEAD.pack(len(frame.payload), frame.kind, frame.peer, frame.number) + frame.payload


def decode_head(data: bytes | bytearray) -> tuple[int, Frame]:
    """The size of the payload that follows, and the frame without it. Raises BadFrame."""
    size, kind, peer, number = HEAD.unpack_from(data)
    if size > MAX_PAYLOAD:
        raise BadFrame(f"a payload of {size} bytes")
    try:
        return size, Frame(Kind(kind), peer, number)
    except ValueError:
        raise BadFrame(f"a frame of kind {kind}") from None


class Buffer:
    """Bytes on their way, overwritten as soon as they have been passed on."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def add(self, data: bytes) -> None:
        """Takes more bytes."""
        self._data += data

    def first(self, size: int) -> bytes:
        """The first `size` bytes, or fewer."""
        return bytes(self._data[:size])

    def drop(self, size: int) -> None:
        """Forgets the first bytes."""
        self._data[:size] = bytes(size)
        del self._data[:size]

    def frames(self) -> list[Frame]:
        """Every complete frame; they leave the buffer. Raises BadFrame."""
        found: list[Frame] = []
        while len(self._data) >= HEAD.size:
            size, frame = decode_head(self._data)
            end = HEAD.size + size
            if len(self._data) < end:
                break
            frame.payload = bytes(self._data[HEAD.size : end])
            self.drop(end)
            found.append(frame)
        return found
