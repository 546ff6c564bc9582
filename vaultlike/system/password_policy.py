"""What a password policy says and the passwords it makes (spec/vault-api.md 2.4). Pure; no storage."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.hcl import Body, Entry, labelled
from vaultlike.hcl import parse as parse_hcl

MAX_TEXT = 64 * 1024  # characters of a policy
SHORTEST, LONGEST = 4, 100  # characters of a password
MAX_CHARSET = 1024  # characters
MAX_RULES = 20
Random = Callable[[int], bytes]


class Charset(Struct, frozen=True):
    """At least `least` characters of a password come from `characters` (no doubles, sorted)."""

    characters: str
    least: int


class PasswordPolicy(Struct, frozen=True):
    """How long passwords are, and what is in them."""

    length: int
    charsets: tuple[Charset, ...]


def parse_password_policy(text: str) -> PasswordPolicy:
    """The policy of a text. Raises Invalid for one that no password can keep, or that makes too short ones."""
    body = parse_hcl(text, limit=MAX_TEXT)
    charsets: list[Charset] = []
    length = 0
    for entry in body.entries:
        if entry.key == "length":
            length = _whole(entry)
        elif entry.key == "rule":
            charsets += [_charset(block) for block in labelled(entry)]
        else:
            raise Invalid(f"failed to parse policy: unknown key {entry.key!r} on line {entry.line}")
    if not SHORTEST <= length <= LONGEST:
        raise Invalid(f"failed to parse policy: length must be from {SHORTEST} to {LONGEST}")
    if not charsets:
        raise Invalid("failed to parse policy: no charset rules")
    if len(charsets) > MAX_RULES:
        raise Invalid(f"failed to parse policy: more than {MAX_RULES} rules")
    if sum(one.least for one in charsets) > length:
        raise Invalid("failed to parse policy: the rules ask for more characters than length has")
    return PasswordPolicy(length, tuple(charsets))


def generate(policy: PasswordPolicy, random: Random) -> str:
    """A password: what each rule asks for, the rest from all charsets, in random order. Every choice is unbiased."""
    everything = "".join(sorted({letter for one in policy.charsets for letter in one.characters}))
    letters = [_pick(one.characters, random) for one in policy.charsets for _ in range(one.least)]
    letters += [_pick(everything, random) for _ in range(policy.length - len(letters))]
    for last in range(len(letters) - 1, 0, -1):  # Fisher-Yates
        other = _below(last + 1, random)
        letters[last], letters[other] = letters[other], letters[last]
    return "".join(letters)


def _charset(block: Entry) -> Charset:
    if block.labels != ("charset",) or not isinstance(block.value, Body):
        raise Invalid(f"failed to parse policy: unknown rule on line {block.line}; only charset is known")
    characters, least = "", 0
    for entry in block.value.entries:
        if entry.key == "charset" and isinstance(entry.value, str):
            characters = entry.value
        elif entry.key == "min-chars":
            least = _whole(entry)
        else:
            raise Invalid(f"failed to parse policy: unknown or unreadable key {entry.key!r} on line {entry.line}")
    if not characters or len(characters) > MAX_CHARSET or not characters.isprintable():
        raise Invalid(f"failed to parse policy: a charset must have 1 to {MAX_CHARSET} printable characters")
    return Charset("".join(sorted(set(characters))), least)


def _whole(entry: Entry) -> int:
    value = entry.value
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Invalid(f"failed to parse policy: {entry.key} must be a whole number")
    return value


def _pick(characters: str, random: Random) -> str:
    return characters[_below(len(characters), random)]


def _below(bound: int, random: Random) -> int:
    """0 to bound - 1, each equally likely; `bound` at most 65536."""
    limit = 65_536 - 65_536 % bound  # values from here on would favour the first ones
    while True:
        value = int.from_bytes(random(2), "big")
        if value < limit:
            return value % bound
