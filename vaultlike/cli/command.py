"""What a command is: a declaration (flags, arguments, texts) and one function. Help is made from the declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session


class Command(NamedTuple):
    """One command. `arguments` is the usage text of its arguments; `least`/`most` bound their number (-1: no bound).

    `remote` commands take the global flags; `output` ones among them take -format and -field.
    `passthrough` hands the words over unparsed (commands that live elsewhere).
    """

    name: str
    about: str
    run: Callable[[Session], int]
    arguments: str = ""
    least: int = 0
    most: int = 0
    flags: tuple[Flag, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()  # what it does, command line without the program name
    remote: bool = True
    passthrough: bool = False
