"""How secrets and folders may be named, and how a path is written inside: `a/b/` for `/a/b`, "" for `/`. Pure."""

from __future__ import annotations

from vaultlike.errors import Invalid, NotFound

MAX_NAME = 255  # characters of a secret's or folder's name
MAX_DEPTH = 20  # folders inside each other
_FOLDER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def folder_of(path: str) -> str:
    """`/a/b`, `a/b/` and the like as `a/b/`; `/` and "" as "". Raises Invalid for what no folder can be called."""
    inner = path.strip().strip("/")
    if not inner:
        return ""
    segments = inner.split("/")
    if len(segments) > MAX_DEPTH:
        raise Invalid(f"A path has at most {MAX_DEPTH} folders")
    if not all(map(_usable, segments)):
        raise Invalid("The path has a folder whose name is empty, too long or not a name")
    return inner + "/"


def shown_path(folder: str) -> str:
    """The other way round: `a/b/` as `/a/b`."""
    return "/" + folder[:-1]


def split_folder(folder: str) -> tuple[str, str]:
    """A folder's parent and its name: `a/b/` is `a/` and `b`."""
    parent, _, name = folder[:-1].rpartition("/")
    return parent + "/" if parent else "", name


def existing_name(name: str) -> str:
    """The name of a secret that may be there already, made by whichever API. Raises NotFound for what cannot be one."""
    if not _usable(name):
        raise NotFound("There is no secret of that name")
    return name


def new_name(name: str) -> str:
    """The name of a secret to be made, as the second API allows it. Raises Invalid."""
    if not _usable(name) or ":" in name or any(map(str.isspace, name)):
        raise Invalid(f"A secret's name has 1 to {MAX_NAME} characters, none of them '/', ':' or a space")
    return name


def new_folder_name(name: str) -> str:
    """The name of a folder to be made. Raises Invalid."""
    name = name.strip()
    if not _usable(name) or not _FOLDER.issuperset(name):
        raise Invalid("Invalid folder name. Only alphanumeric characters, dashes, and underscores are allowed.")
    return name


def _usable(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME and name.isprintable() and "/" not in name and name not in (".", "..")
