"""Custom metadata of a secret: short texts by name, within limits (texts as the reference words them)."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.errors import Invalid
from vaultlike.sdk.conversion import Misfit, to_text

MAX_NAMES = 64
MAX_NAME = 128  # bytes
MAX_VALUE = 512  # bytes
FAILED = "custom_metadata validation failed"


def read_custom(given: Mapping[str, object]) -> dict[str, str]:
    """The texts; numbers and booleans become texts. Raises Invalid for objects and lists."""
    try:
        return {name: to_text(value) for name, value in given.items()}
    except Misfit as misfit:
        raise Invalid(f"{FAILED}: {misfit}") from None


def patched_custom(known: Mapping[str, str] | None, given: Mapping[str, object]) -> dict[str, str]:
    """The known texts with the given ones over them; null removes a name. Raises Invalid."""
    kept = {name: value for name, value in (known or {}).items() if name not in given}
    return kept | read_custom({name: value for name, value in given.items() if value is not None})


def check_custom(custom: Mapping[str, str]) -> None:
    """Raises Invalid with every problem at once."""
    if len(custom) > MAX_NAMES:
        problems = [f"payload must contain at most {MAX_NAMES} keys, provided {len(custom)}"]
    else:
        problems = [problem for name, value in custom.items() for problem in _problems(name, value)]
    if problems:
        count = f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:"
        raise Invalid(count + "".join(f"\n\t* {FAILED}: {problem}" for problem in problems) + "\n\n")


def _problems(name: str, value: str) -> list[str]:
    found = []
    if not 0 < (size := len(name.encode())) <= MAX_NAME:
        found.append(f'length of key "{name[:MAX_NAME]}" is {size} but must be 0 < len(key) <= {MAX_NAME}')
    if not 0 < (size := len(value.encode())) <= MAX_VALUE:
        found.append(f'length of value for key "{name[:MAX_NAME]}" is {size} but must be 0 < len(value) <= {MAX_VALUE}')
    if not name.isprintable():
        found.append(f"key {name[:MAX_NAME]!a} contains unprintable characters")
    if not value.isprintable():
        found.append(f"value for key {name[:MAX_NAME]!a} contains unprintable characters")
    return found
