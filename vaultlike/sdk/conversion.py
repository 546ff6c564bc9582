"""Wire values to field values, one converter a wire type: Vault's lenient rules (spec/vault-api.md 1.10, 1.11).

A converter never guesses silently: what does not fit raises Misfit with the reference's words. Knows no Struct.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from math import isfinite

from vaultlike.durations import parse_duration, parse_signed_duration
from vaultlike.errors import Invalid
from vaultlike.types import Secret

Converter = Callable[[object], object]

_SECONDS = re.compile(r"-?\d{1,18}", re.ASCII)
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


class Misfit(ValueError):
    """A wire value does not fit its field; the text is the reference's, `older` how its older plugins word it.

    `whole`: the text is said as it is, without the field's name before it.
    """

    def __init__(self, text: str, older: str = "", *, whole: bool = False) -> None:
        super().__init__(text)
        self.older = older or text
        self.whole = whole


def go_type(value: object) -> str:
    """The name that the reference's error texts give to a JSON value's type."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "json.Number"
    if isinstance(value, list):
        return "[]interface {}"
    return "map[string]interface {}" if isinstance(value, dict) else "string"


def go_text(value: object) -> str:
    """A JSON value as Go prints it in an error text: `[a b]`, `map[a:b]`."""
    if isinstance(value, list):
        return "[" + " ".join(go_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def go_quote(text: str) -> str:
    """A text in quotation marks, as Go quotes what it names in an error text."""
    return json.dumps(text, ensure_ascii=False)


def _unconvertible(want: str, value: object) -> Misfit:
    text = f"'' expected type '{want}', got unconvertible type '{go_type(value)}'"
    return Misfit(text, f"{text}, value: '{go_text(value)[:256]}'")


def _bad_int(value: object) -> Misfit:
    return Misfit(
        "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
        f"cannot parse '' as int: strconv.ParseInt: parsing \"{go_text(value)[:256]}\": invalid syntax",
    )


def to_text(value: object) -> str:
    """string: a text; numbers in decimal; booleans as 1 and 0."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return str(value)
    raise _unconvertible("string", value)


def to_secret(value: object) -> Secret:
    """secret: as string, but no error text ever quotes the value."""
    try:
        return Secret(to_text(value))
    except Misfit as misfit:
        raise Misfit(str(misfit)) from None


def to_int(value: object) -> int:
    """int: a whole number or a text of one, in base 10, 16 (0x), 8 (0) or 2 (0b); empty is 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        number = value
    elif value is None or value == "":
        return 0
    elif isinstance(value, str) and len(value) <= 40:
        try:
            number = _parse_int(value)
        except ValueError:
            raise _bad_int(value) from None
    elif isinstance(value, (str, float)):
        raise _bad_int(value)
    else:
        raise _unconvertible("int", value)
    if not -(2**63) <= number < 2**63:
        raise Misfit("'' cannot parse value as 'int': strconv.ParseInt: value out of range")
    return number


def _parse_int(text: str) -> int:
    if not text.isascii() or text.strip() != text:
        raise ValueError
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
    return int(text, 8 if octal else 0)


def to_float(value: object) -> float:
    """float: a number or a text of one."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, (dict, list)):
        raise _unconvertible("float64", value)
    problem = Misfit("'' cannot parse value as 'float64': strconv.ParseFloat: invalid syntax")
    if isinstance(value, str) and (not value.isascii() or len(value) > 40 or value.strip() != value):
        raise problem
    try:
        number = float(value)  # type: ignore[arg-type]  # a text or a number by now
    except (ValueError, OverflowError):
        raise problem from None
    if not isfinite(number):  # "nan" as a limit would be below and above everything
        raise problem
    return number


def to_bool(value: object) -> bool:
    """bool: as it is; the texts of Go's ParseBool, and the numbers 1 and 0 among them; empty is false."""
    if isinstance(value, bool):
        return value
    if value is None or value == "":
        return False
    if isinstance(value, (str, int, float)):
        text = str(value)
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise Misfit("'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax")
    raise _unconvertible("bool", value)


def strict_text(value: object) -> str:
    """A text or a number, as the reference wants it inside an object that a field holds; absent is empty."""
    if isinstance(value, bool):
        raise _unconvertible("string", value)
    return to_text(value)


def strict_bool(value: object) -> bool:
    """A boolean alone, likewise; absent is false."""
    if value is not None and not isinstance(value, bool):
        raise _unconvertible("bool", value)
    return bool(value)


def _elements(value: list[object]) -> tuple[str, ...]:
    texts = []
    for index, item in enumerate(value):
        if isinstance(item, (dict, list)):
            raise Misfit(
                f"1 error(s) decoding:\n\n* '[{index}]' expected type 'string', "
                f"got unconvertible type '{go_type(item)}', value: '{go_text(item)}'"
            )
        texts.append(to_text(item))
    return tuple(texts)


def to_names(value: object) -> tuple[str, ...]:
    """comma string slice: a list, or a comma separated text; each element trimmed; empty text or object: no element."""
    if value is None or value == "" or value == {}:
        return ()
    if isinstance(value, list):
        return tuple(item.strip() for item in _elements(value))
    if isinstance(value, dict):
        return _elements([value])
    return tuple(part.strip() for part in to_text(value).split(","))


def to_strings(value: object) -> tuple[str, ...]:
    """string slice: a list; a single text is a list of one (no splitting); each element trimmed."""
    if value is None or value == "" or value == {}:
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(_part(index, item).strip() for index, item in enumerate(items))


def _part(index: int, item: object) -> str:
    """A scalar inside a list or object, as a text."""
    if isinstance(item, (dict, list)):
        raise Misfit(
            "decoding failed due to the following error(s):\n\n"
            f"'[{index}]' expected type 'string', got unconvertible type '{go_type(item)}'"
        )
    return to_text(item)


def to_integers(value: object) -> tuple[int, ...]:
    """comma int slice: a list of numbers, or a comma separated text of them, without blanks."""
    if value is None or value == "" or value == {}:
        return ()
    items: list[object] = list(value.split(",")) if isinstance(value, str) else [value]
    if isinstance(value, list):
        items = value
    numbers = []
    for index, item in enumerate(items):
        try:
            numbers.append(to_int(item))
        except Misfit as misfit:
            text = str(misfit).replace("''", f"'[{index}]'", 1)
            raise Misfit(f"decoding failed due to the following error(s):\n\n{text}") from None
    return tuple(numbers)


def to_pairs(value: object) -> dict[str, str]:
    """kv pairs: an object of scalars, a list of `k=v`, or one `k=v`."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(key): _part(0, item) for key, item in value.items()}
    pairs = {}
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        if item is None:
            continue
        if isinstance(item, dict):
            pairs.update(to_pairs(item))
            continue
        key, sign, text = _part(index, item).partition("=")
        if not sign or not key:
            raise Misfit(f"invalid key pair {go_quote(_part(index, item))}")
        pairs[key] = text
    return pairs


def to_object(value: object) -> dict[str, object]:
    """map: an object as it is."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        for index, part in enumerate(value):
            if part is not None and not isinstance(part, dict):
                want = "map[string]interface {}"
                raise Misfit(f"'[{index}]' expected type '{want}', got unconvertible type '{go_type(part)}'")
        return {key: item for part in value if part is not None for key, item in part.items()}
    raise _unconvertible("map[string]interface {}", value)


def to_time(value: object) -> float:
    """time: RFC 3339 text, or Unix seconds as a number or a text of one; as Unix seconds."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, (bool, list, dict)):
        raise Misfit("could not parse time from input type")
    try:
        if isinstance(value, (int, float)) or _SECONDS.fullmatch(str(value)):
            return float(value)  # type: ignore[arg-type]  # a number or digits by now
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:  # without one it would be the server's local time
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass
    raise Misfit("could not parse string as date and time")


def to_cidrs(value: object) -> tuple[str, ...]:
    """Addresses and networks; bits behind the mask stay, a host reads back without `/32` or `/128` (spec 4)."""
    from netaddr import AddrFormatError, IPNetwork

    texts = []
    for name in to_names(value):
        try:
            network = IPNetwork(name)
        except (AddrFormatError, ValueError):
            shown = go_quote(name[:64])
            text = f"error parsing address {shown}: Unable to convert {shown} to an IPv4 or IPv6 address"
            raise Misfit(f"{text}, or a UNIX Socket", whole=True) from None
        width = 32 if network.version == 4 else 128
        texts.append(str(network.ip) if network.prefixlen == width else str(network))
    return tuple(texts)


def _duration(value: object) -> int:
    try:
        return parse_duration(value)
    except Invalid as problem:
        with suppress(Invalid):
            if (seconds := parse_signed_duration(value)) < 0:
                raise Misfit(f"{problem} '{seconds}'", str(problem)) from None
        raise Misfit(str(problem)) from None


def _signed_duration(value: object) -> int:
    try:
        return parse_signed_duration(value)
    except Invalid as problem:
        raise Misfit(str(problem)) from None


BY_KIND: dict[str, Converter] = {
    "duration": _duration,
    "signed_duration": _signed_duration,
    "lower": lambda value: to_text(value).lower(),
    "comma": to_names,
    "strings": to_strings,
    "comma_int": to_integers,
    "cidrs": to_cidrs,
    "pairs": to_pairs,
    "object": to_object,
    "anything": lambda value: value,
    "time": to_time,
}
BY_TYPE: dict[object, Converter] = {
    str: to_text,
    int: to_int,
    float: to_float,
    bool: to_bool,
    Secret: to_secret,
}
KIND_NAMES: dict[object, str] = {str: "string", int: "int", float: "float", bool: "bool", Secret: "secret"}
