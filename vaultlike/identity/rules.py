"""What entities, aliases and groups share: which policies, names and metadata they may carry."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.errors import Invalid

MAX_NAME = 512  # characters of an entity's, alias' or group's name
MAX_KEYS = 64
MAX_KEY = 128  # bytes
MAX_VALUE = 512  # bytes


def clean_policies(names: tuple[str, ...]) -> tuple[str, ...]:
    """Trimmed, in lower case, each once, sorted. Raises Invalid for `root`: no identity is almighty."""
    clean = {name.strip().lower() for name in names} - {""}
    if "root" in clean:
        raise Invalid("policies cannot contain root")
    return tuple(sorted(clean))


def check_name(name: str, what: str) -> None:
    """Raises Invalid for a name that is too long or cannot be shown; an empty one is the caller's to judge."""
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"invalid {what}: at most {MAX_NAME} printable characters")


def check_metadata(metadata: Mapping[str, str] | None) -> None:
    """Raises Invalid for metadata beyond the limits of spec/vault-api.md 6."""
    if metadata is None:
        return
    if len(metadata) > MAX_KEYS:
        raise Invalid(f"metadata has {len(metadata)} keys, at most {MAX_KEYS} are allowed")
    for key, value in metadata.items():
        if not key or len(key.encode()) > MAX_KEY:
            raise Invalid(f"a metadata key must have 1 to {MAX_KEY} bytes")
        if len(value.encode()) > MAX_VALUE:
            raise Invalid(f"the value of metadata key {key!r} is longer than {MAX_VALUE} bytes")
