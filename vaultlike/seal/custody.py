"""Owns what exists only while unsealed: root key, barrier and the version of the keyring document. Knows no shares.

The custodian holds its lock around everything here that waits. Sealing may happen during any wait: the keys are wiped
then, and the next use of one raises Sealed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vaultlike.clock import Clock
from vaultlike.errors import Sealed, Unavailable
from vaultlike.seal.barrier import Barrier
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.key import Key, Random
from vaultlike.seal.keyring import Keyring
from vaultlike.seal.records import HANDOVER, KEYRING, NAMESPACE, Documents
from vaultlike.storage.engine import Conflict, DeleteDocument, Op, PutDocument

HANDOVER_SECONDS = 3600.0  # how long other nodes have to take over a new root key before a rotation removes it
_ATTEMPTS = 5  # at changing a document that another node changes too
_HANDOVER_CONTEXT = HANDOVER.encode()


class _Handover(msgspec.Struct, frozen=True):
    root: bytes
    at: float


class Custody:
    """The open state of one process."""

    __slots__ = ("__weakref__", "_clock", "_documents", "_random", "_root", "barrier", "keyring_version")

    def __init__(
        self, documents: Documents, clock: Clock, random: Random, root: Key, barrier: Barrier, keyring_version: int
    ) -> None:
        self._documents = documents
        self._clock = clock
        self._random = random
        self._root = root
        self.barrier = barrier
        self.keyring_version = keyring_version

    @classmethod
    async def begin(cls, documents: Documents, clock: Clock, random: Random, root: Key) -> Custody:
        """Opens the stored keyring; owns `root` from here on. Raises NotOpened, storage errors."""
        try:
            stored = await documents.document(NAMESPACE, KEYRING)
            if stored is None:
                raise NotOpened(reason="the keyring is gone")
            barrier = Barrier(Keyring.opened(root, stored.value), random)
        except BaseException:
            root.wipe()
            raise
        return cls(documents, clock, random, root, barrier, stored.version)

    def root_key(self) -> bytes:
        """A copy of the root key. Raises Sealed."""
        return bytes(self._root.reveal())

    def end(self) -> None:
        """Wipes every key. Safe to repeat."""
        self.barrier.close()
        self._root.wipe()

    async def reload(self) -> None:
        """Takes over the stored keyring when it is another one. Raises NotOpened, Sealed, storage errors."""
        stored = await self._documents.document(NAMESPACE, KEYRING)
        if stored is None:
            raise NotOpened(reason="the keyring is gone")
        if stored.version == self.keyring_version:
            return
        root = self._root
        try:
            keyring = Keyring.opened(root, stored.value)
        except NotOpened:
            root = await self._handed_over()
            keyring = Keyring.opened(root, stored.value)
        self.barrier.adopt(keyring)
        if root is not self._root:
            self._root.wipe()
            self._root = root
        self.keyring_version = stored.version

    async def rotate(self, only_from: int) -> int:
        """See `Custodian.rotate`."""
        for _ in range(_ATTEMPTS):
            await self.reload()
            active = self.barrier.active().number
            if only_from not in (0, active):
                return active
            fresh = self.barrier.keyring().rotated(self._random, self._clock.now())
            try:
                ops = [_put_keyring(fresh.sealed(self._root, self._random), self.keyring_version)]
                ops.extend(await self._outdated_handover())
                results = await self._documents.commit(ops)
                self.barrier.adopt(fresh)
            except Conflict:
                fresh.wipe()
                continue
            except BaseException:
                fresh.wipe()
                raise
            self.keyring_version = version_of(results[0])
            return active + 1
        raise Unavailable("the keyring is being changed by other nodes, try again")

    def change_root(self, root: Key) -> list[Op]:
        """Writes that put the keyring under a new root key and hand that key to the other nodes; the first is the
        keyring's. `root_changed` follows their commit."""
        handover = msgspec.json.encode(_Handover(bytes(root.reveal()), self._clock.now()))
        return [
            _put_keyring(self.barrier.keyring().sealed(root, self._random), self.keyring_version),
            PutDocument(NAMESPACE, HANDOVER, self.barrier.seal(_HANDOVER_CONTEXT, handover)),
        ]

    def root_changed(self, root: Key, keyring_version: int) -> None:
        """Owns the committed root key. Never raises: new shares exist only in the caller's hands at this moment."""
        ended = len(self._root) == 0
        self._root.wipe()
        self._root = root
        self.keyring_version = keyring_version
        if ended:
            root.wipe()

    async def _handed_over(self) -> Key:
        stored = await self._documents.document(NAMESPACE, HANDOVER)
        if stored is None:
            raise NotOpened(reason="the root key was changed elsewhere and is no longer handed over: unseal again")
        return Key(self._opened(stored.value).root)

    async def _outdated_handover(self) -> Sequence[Op]:
        """Old shares and an old copy of the database would still reach a new root key through the handover."""
        stored = await self._documents.document(NAMESPACE, HANDOVER)
        if stored is None or self._clock.now() - self._opened(stored.value).at < HANDOVER_SECONDS:
            return []
        return [DeleteDocument(NAMESPACE, HANDOVER, expect=stored.version, bump=False)]

    def _opened(self, sealed: bytes) -> _Handover:
        return msgspec.json.decode(self.barrier.open(_HANDOVER_CONTEXT, sealed), type=_Handover)

    def __repr__(self) -> str:
        return "Custody(...)"


def version_of(result: object) -> int:
    """What PutDocument left in a commit's results. Raises Unavailable for anything else: a broken engine."""
    if not isinstance(result, int) or result is True:
        raise Unavailable(reason="the storage engine did not answer a write with a version")
    return result


def _put_keyring(sealed: bytes, expect: int) -> Op:
    return PutDocument(NAMESPACE, KEYRING, sealed, expect=expect)


def ended_by(problem: NotOpened) -> Sealed:
    """What a request sees after the process had to seal itself."""
    return Sealed(reason=f"sealed itself: {problem.reason}")
