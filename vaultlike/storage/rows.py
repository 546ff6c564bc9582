"""The rows that an engine stores, as the rest of the server sees them. Owns no SQL and no behaviour.

Only what must be searched is a field; everything else is inside `sealed`, which the caller encrypts (an engine never
sees a key). Times are Unix seconds here and whole milliseconds, rounded down, in the database.
"""

from __future__ import annotations

from msgspec import Struct

LAST_USE = -1  # TokenRow.uses_left while the last allowed use is being served
ENDED = 0.0  # TokenRow.expires_at of a revoked token that is not deleted yet; those below it end before
MARKED = -1  # what deleting a token tree answers that is too large for one commit


class Document(Struct, frozen=True, gc=False):
    """One document: a sealed value. `version` starts at 1 and grows by one with every write."""

    value: bytes
    version: int


class TokenRow(Struct, frozen=True, gc=False, kw_only=True):
    """One token, which is also its lease.

    `id` is a keyed hash (32 bytes), never the text itself. `mount` is the accessor of the
    mount that made the token, `path` its creation path (lease prefixes). Empty texts mean none.
    """

    id: bytes
    namespace: str
    path: str
    sealed: bytes
    parent: bytes | None = None
    mount: str = ""
    role: str = ""
    entity: str = ""
    expires_at: float | None = None  # Unix seconds; None = never
    uses_left: int | None = None  # None = unlimited; LAST_USE = the last one is being served
    position: int = 0  # where it stands in the order of creation; the engine sets it, pages go by it


class EntityRow(Struct, frozen=True, gc=False):
    """One entity; `name` is unique in its namespace without regard to case (`fold`)."""

    id: str
    namespace: str
    name: str
    sealed: bytes
    version: int = 1


class AliasRow(Struct, frozen=True, gc=False):
    """One alias of an entity; (namespace, mount accessor, name) is unique, without regard to the name's case (`fold`).

    `seen_at` (Unix seconds) is about when it last logged in: no later, and not much earlier. None: never, or unknown.
    """

    id: str
    namespace: str
    mount: str
    name: str
    entity: str
    sealed: bytes
    version: int = 1
    seen_at: float | None = None


class Explanation(Struct, frozen=True, gc=False):
    """Why a request was refused, for `sys/explain`; `at` in Unix seconds."""

    request_id: str
    at: float
    sealed: bytes


def fold(name: str) -> str:
    """The form under which names of entities and aliases are compared, in every engine."""
    return name.casefold()
