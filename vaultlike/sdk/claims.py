"""The claims of a verified JWT: read only, with typed access. Only `verify` makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vaultlike.clock import rfc3339
from vaultlike.errors import Invalid
from vaultlike.sdk.jwt import JwtRefused

MAX_DATE = 253_402_300_799  # the last second of the year 9999


class Claims(Mapping[str, object]):
    """What the issuer vouches for. The name of this type is the proof that issuer, times and signature were checked."""

    __slots__ = ("_claims",)

    def __init__(self, verified: Mapping[str, object]) -> None:
        self._claims = dict(verified)

    def __getitem__(self, name: str) -> object:
        return self._claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __repr__(self) -> str:
        return f"Claims({', '.join(self._claims)})"

    def text(self, name: str, default: str = "") -> str:
        """A text claim, `default` when absent or null. Raises JwtRefused `claim_type` when it is something else."""
        value = self._claims.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise _wrong_type(name, "a text", value)
        return value

    def texts(self, name: str, *, single: bool = False) -> tuple[str, ...]:
        """A list of texts, empty when absent or null; with `single` one text counts as a list of one.

        Raises JwtRefused `claim_type` when it is anything else.
        """
        value = self._claims.get(name)
        if value is None:
            return ()
        if single and isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong_type(name, "a list of texts", value)
        return tuple(value)

    def number(self, name: str) -> int | float | None:
        """A number, None when absent or null. Raises JwtRefused `claim_type` for a bool, a text, ..."""
        value = self._claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type(name, "a number", value)
        return value

    def at(self, pointer: str, default: object = None) -> object:
        """The value that a JSON pointer (RFC 6901) names, `default` when there is none.

        Raises Invalid when `pointer` is neither empty nor starts with a slash, or has a stray `~`.
        """
        if not pointer:
            return dict(self._claims)
        value: object = self._claims
        for step in _steps(pointer):
            if isinstance(value, dict):
                if step not in value:
                    return default
                value = value[step]
            elif isinstance(value, list):
                # RFC 6901 4: ASCII digits without leading zeros
                if not (step.isascii() and step.isdigit()) or (step[0] == "0" and step != "0") or len(step) > 9:
                    return default
                index = int(step)
                if index >= len(value):
                    return default
                value = value[index]
            else:
                return default
        return value


def _steps(pointer: str) -> list[str]:
    if pointer[0] != "/":
        raise Invalid(f"claim pointer {pointer[:128]!r} does not start with a slash")
    steps = pointer[1:].split("/")
    if "~" in pointer:
        for step in steps:
            if "~" in step.replace("~0", "").replace("~1", ""):
                raise Invalid(f"claim pointer {pointer[:128]!r} has a stray ~")
        steps = [step.replace("~1", "/").replace("~0", "~") for step in steps]
    return steps


def numeric_date(claims: Mapping[str, object], name: str) -> float | None:
    """A NumericDate (RFC 7519 2) in Unix seconds, None when absent. Raises JwtRefused `claim_type` for what is none:
    text, bool, null, negative, or after the year 9999."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong_type(name, "a number of seconds", value)
    if not 0 <= value <= MAX_DATE:
        raise JwtRefused("claim_type", f"claim {name!r} is no date: {str(value)[:32]}")
    return float(value)


def shown_date(at: float) -> str:
    """A date of a token, or one it is compared with, as explanations show it: RFC 3339 in UTC, to the second.

    Unix seconds; what lies before 1970 or after 9999 is shown as the nearest of the two.
    """
    return rfc3339(float(int(min(max(at, 0.0), MAX_DATE)))).replace(".000000", "")


class TokenDate:
    """A date among a login's checks. It becomes text when somebody looks: formatting three of them for every login that
    nobody asks about would cost more than judging them. `relation` stands before it, e.g. "after"."""

    __slots__ = ("_at", "_relation")

    def __init__(self, at: float, relation: str = "") -> None:
        self._at, self._relation = at, relation

    def __str__(self) -> str:
        return f"{self._relation} {shown_date(self._at)}" if self._relation else shown_date(self._at)

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (TokenDate, str)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _wrong_type(name: str, wanted: str, value: object) -> JwtRefused:
    return JwtRefused("claim_type", f"claim {name!r} is not {wanted} but {type(value).__name__}")
