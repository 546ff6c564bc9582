"""The vocabulary of field types. Values are plain ints, strings and tuples; the *marker* in the annotation says how
lenient the wire is with them (spec/vault-api.md 1.10, 1.11). `sdk.fields` turns wire values into these.

    token_ttl: Duration = 0              # int seconds; accepts 3600, "3600", "1h30m"
    token_policies: Names = ()           # tuple of str; accepts a list or a comma separated string
    client_secret: Secret = NO_SECRET    # never printed
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """Marks an annotation with the wire type of spec/vault-api.md 1.10."""

    name: str


Duration: TypeAlias = Annotated[int, Kind("duration")]  # seconds, never negative
SignedDuration: TypeAlias = Annotated[int, Kind("signed_duration")]  # seconds
Time: TypeAlias = Annotated[float, Kind("time")]  # Unix seconds; accepts RFC 3339 too
LowerText: TypeAlias = Annotated[str, Kind("lower")]
Names: TypeAlias = Annotated[tuple[str, ...], Kind("comma")]  # list or comma separated string
Strings: TypeAlias = Annotated[tuple[str, ...], Kind("strings")]  # list, or one string as one element
Integers: TypeAlias = Annotated[tuple[int, ...], Kind("comma_int")]
Cidrs: TypeAlias = Annotated[tuple[str, ...], Kind("cidrs")]  # canonical; hosts without /32 or /128
Pairs: TypeAlias = Annotated[dict[str, str], Kind("pairs")]  # object of scalars, or list of "k=v"
Object: TypeAlias = Annotated[dict[str, object], Kind("object")]  # any JSON object, kept as it is
Anything: TypeAlias = Annotated[object, Kind("anything")]  # any JSON value, kept as it is


class Secret:
    """A text that no log, error, repr or encoder shows. `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself: for comparing in constant time or for sending to where it belongs."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        import hmac

        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(Secret)

    def __repr__(self) -> str:
        return "Secret(...)" if self._value else "Secret()"

    __str__ = __repr__


NO_SECRET = Secret()
