"""What strangers send to a login: values that no field expects, and names spelled otherwise."""

from __future__ import annotations

HOSTILE: dict[str, object] = {
    "null": None,
    "number": 12345,
    "boolean": True,
    "list": ["a", "b"],
    "object": {"a": "b"},
    "empty": "",
    "blank": "   ",
    "huge": "A" * 200_000,
    "control": "a\x00b\r\nc\x1b[0m",
    "dots": "../../sys/raw",
    "slash": "a/b",
    "percent": "%2e%2e%2f",
    "unicode": "\u202eﬁ\ud7ff\U0001f511",
    "quote": "'\";--",
}
FULL_WIDTH = ord("！") - ord("!")  # from a printable ASCII character to its wide twin


def spellings(name: str) -> dict[str, str]:
    """Texts that somebody could take for `name`: by case, by what is around it, by what Unicode folds to it."""
    found = {
        "upper case": name.upper(),
        "lower case": name.lower(),
        "swapped case": name.swapcase(),
        "space before": f" {name}",
        "space after": f"{name} ",
        "tab before": f"\t{name}",
        "line end": f"{name}\n",
        "no-break space": f"{name}\xa0",
        "NUL after": f"{name}\x00",
        "zero width space": f"{name[:1]}\u200b{name[1:]}",
        "soft hyphen": f"{name[:1]}\xad{name[1:]}",
        "full width": "".join(chr(ord(char) + FULL_WIDTH) if "!" <= char <= "~" else char for char in name),
        "long s": name.replace("s", "ſ"),  # upper() and casefold() make it an s
        "Kelvin sign": name.replace("k", "\u212a"),  # lower() makes it a k
        "dotless i": name.replace("i", "ı"),  # upper() makes it an I
        "slash after": f"{name}/",
        "dot after": f"{name}.",
    }
    return {label: text for label, text in found.items() if text != name}
