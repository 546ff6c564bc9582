"""Browser logins under way: one document each, found by any process through its `state`, used once, kept ten minutes.

A state is `st_<minute it ends, in hexadecimal>_<random>`; the storage key is that minute and a hash of the whole, so
that what is over is found without opening anything and no key holds a state.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from vaultlike.errors import TooMany
from vaultlike.sdk import Context

FOLDER: Final = "oidc/flow/"
LIFE: Final = 600.0  # seconds from auth_url to the end
MAX_OPEN: Final = 10_000  # that one process starts within LIFE: anybody may ask for an address
CLEANED: Final = 10_000  # documents deleted at a time
_STATE: Final = re.compile(r"st_([0-9a-f]{1,12})_[A-Za-z0-9_-]{32}", re.ASCII)


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What a login of the direct mode proved, until the client comes for it."""

    name: str
    metadata: dict[str, str]
    groups: tuple[str, ...]
    policies: tuple[str, ...]
    extra: dict[str, str] = {}


class Flow(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One login under way. `verifier` is PKCE's; `client_nonce` binds it to the client that began it."""

    role: str
    mode: str
    ends_at: float  # Unix seconds
    nonce: str
    verifier: str = ""
    redirect_uri: str = ""
    client_nonce: str = ""
    requester: str = ""  # address of the client that began it
    device_code: str = ""
    code: str = ""  # from the form that the provider posted
    id_token: str = ""
    confirmation: str = ""  # what the confirmation page's link must carry
    claimed: bool = False  # direct mode: the provider's answer is being, or has been, redeemed
    outcome: Outcome | None = None


Edit = Callable[[Flow], Flow | None]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Flow).decode


class Flows:
    """The logins under way of one mount."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._store = ctx.storage.below(FOLDER, bump=False)
        self._started: deque[float] = deque()

    def random(self, size: int = 32) -> str:
        """Random text for URLs, of `size` bytes."""
        return base64.urlsafe_b64encode(self._ctx.random(size)).rstrip(b"=").decode()

    async def begin(self, flow: Flow) -> str:
        """Stores a new flow; its state. Raises TooMany when this process has begun too many."""
        now = self._ctx.clock.monotonic()
        while self._started and now - self._started[0] >= LIFE:
            self._started.popleft()
        if len(self._started) >= MAX_OPEN:
            raise TooMany("too many logins under way", reason=f"{MAX_OPEN} OIDC logins were begun within {LIFE:g} s")
        self._started.append(now)
        state = f"st_{int(flow.ends_at // 60):x}_{self.random(24)}"
        await self._store.put(_key(state), _encode(flow))
        return state

    async def find(self, state: str) -> Flow | None:
        """The flow as it is; None when there is none or it is over."""
        key = _key(state)
        raw = await self._store.get(key) if key else None
        return self._living(_decode(raw)) if raw is not None else None

    async def take(self, state: str) -> Flow | None:
        """Takes the flow away: of all who ask, in all processes, one gets it."""
        return await self._change(state, lambda flow: None)

    async def claim(self, state: str, confirmation: str | None) -> Flow | None:
        """Marks a flow of the direct mode as being redeemed; None for all but the first, and where the confirmation is
        not the page's. `confirmation` None: none is asked for."""

        def mark(flow: Flow) -> Flow:
            wrong = confirmation is not None and (not flow.confirmation or flow.confirmation != confirmation)
            return flow if wrong else msgspec.structs.replace(flow, claimed=True)

        before = await self._change(state, mark)
        return None if before is None or before.claimed or mark(before) == before else before

    async def amend(self, state: str, **facts: object) -> Flow | None:
        """Adds facts to a flow; the flow before that, None when there is none."""
        return await self._change(state, lambda flow: msgspec.structs.replace(flow, **facts))

    async def clean(self) -> None:
        """Deletes what is over."""
        minute, left = int(self._ctx.clock.now() // 60), CLEANED
        for folder in await self._store.children():
            name = folder.rstrip("/")
            if not name.isalnum() or int(name, 16) >= minute - 1:
                continue
            keys = await self._store.keys(folder, limit=left)
            for key in keys:
                await self._store.delete(folder + key)
            left -= len(keys)
            if left <= 0:
                return

    async def _change(self, state: str, edit: Edit) -> Flow | None:
        """Atomic: `edit` gives the new flow or None to delete it. The flow before, None when there was none."""
        key, before = _key(state), None
        if not key:
            return None

        def apply(raw: bytes | None) -> bytes | None:
            nonlocal before
            before = self._living(_decode(raw)) if raw is not None else None
            changed = edit(before) if before is not None else None
            return _encode(changed) if changed is not None else None

        await self._store.update(key, apply)
        return before

    def _living(self, flow: Flow) -> Flow | None:
        return flow if self._ctx.clock.now() < flow.ends_at else None


def _key(state: str) -> str:
    """Where the flow of a state is; "" for what is no state."""
    match = _STATE.fullmatch(state.partition(",")[0])  # a client may leave `,ns=...` on it
    return f"{match[1]}/{sha256(match[0].encode()).hexdigest()}" if match else ""
