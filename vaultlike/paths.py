"""Canonical request paths: one decoding for router, ACL and audit.

A path here never starts with a slash; a trailing slash is kept (it means something to LIST and to policies).
"""

from __future__ import annotations

from urllib.parse import unquote

from vaultlike.errors import Invalid

MAX_PATH = 4096  # characters; a longer path is refused before anything looks at it


def canonical(raw: str) -> str:
    """The path after `/v1/`, percent-decoded once. Raises Invalid for relative, overlong or unprintable paths.

    `raw` is the undecoded path as it stood on the wire, without `/v1/` and without the query (spec/vault-api.md 1.1).
    """
    if len(raw) > MAX_PATH:
        raise Invalid("path too long")
    try:
        path = unquote(raw, errors="strict") if "%" in raw else raw
    except UnicodeDecodeError:
        raise Invalid("path is not UTF-8") from None
    if not path.isprintable():
        raise Invalid("path contains unprintable characters")
    if ".." in path and ".." in path.split("/"):
        raise Invalid("relative paths not supported")
    return path.lstrip("/")
