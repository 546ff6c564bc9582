"""Passwords and their bcrypt hashes: making, importing and comparing them off the event loop.

bcrypt and not argon2id, because hashes must be imported and those are bcrypt's (spec/auth-methods.md 11): one kind of
hash means that every user's comparison costs the same.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import bcrypt

from vaultlike.errors import Invalid, Unavailable
from vaultlike.types import Secret

P = ParamSpec("P")
T = TypeVar("T")
COST = 10  # of hashes made here
LOWEST, HIGHEST = 5, 12  # of imported ones; a higher cost would let one user's logins occupy the server
LONGEST = 72  # bytes that bcrypt looks at
MAX_WAITING = 200  # comparisons in the queue; more would be answered after every client has given up
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
# Compared with where there is no such user, so that the answer takes as long.
_NOBODY = b"$2b$10$3mq4HdG0kPT8efIEYRpjR.UMwNdHeKvt23n24VNfiWh6eBcl2LQFy"


class Passwords:
    """Hashes and compares on threads, at most one per core at a time and a bounded number waiting."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(max(1, os.cpu_count() or 1))
        self._waiting = 0

    async def to_store(self, password: Secret, given_hash: Secret) -> Secret:
        """The hash to keep for a new password or an imported hash; exactly one must be given. Raises Invalid."""
        if password and given_hash:
            raise Invalid("only one of password or password_hash may be provided")
        if given_hash:
            check_hash(given_hash.reveal())
            return given_hash
        if not password:
            raise Invalid("must provide either password or password_hash")
        text = password.reveal().encode("utf-8", "surrogatepass")
        if len(text) > LONGEST:
            raise Invalid(f"password is too long: at most {LONGEST} bytes")
        return Secret((await self._run(_hash, text)).decode())

    async def match(self, password: Secret, stored: Secret | None) -> bool:
        """Whether the password is the one of the stored hash; None (no such user) takes as long and is False."""
        text = password.reveal().encode("utf-8", "surrogatepass")
        known = stored.reveal().encode() if stored else _NOBODY
        right = await self._run(bcrypt.checkpw, text[:LONGEST], known)
        # bcrypt would ignore the rest: a text that only begins with the password is another one
        return right and bool(stored) and len(text) <= LONGEST

    async def _run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many logins at once", reason=f"{MAX_WAITING} password comparisons are waiting")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *arguments, **named)
        finally:
            self._waiting -= 1


def check_hash(text: str) -> None:
    """Refuses what is no bcrypt hash, or one of a cost that is too low or too high. Raises Invalid."""
    found = _HASH.fullmatch(text)
    if found is None:
        raise Invalid("password_hash is not a valid bcrypt hash")
    cost = int(found[1])
    if cost < LOWEST:
        raise Invalid(f"bcrypt cost of {cost} is too low")
    if cost > HIGHEST:
        raise Invalid(f"bcrypt cost of {cost} is too high")


def _hash(text: bytes) -> bytes:
    return bcrypt.hashpw(text, bcrypt.gensalt(COST))
