"""An audit device as it is declared and stored. Owns the meaning of its options, opens nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vaultlike.errors import Invalid

KINDS = ("file", "syslog", "socket", "http")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_EXECUTABLE = 0o111


class DeviceEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One enabled device. `path` ends with a slash; `enabled_at` (Unix seconds) tells it from a namesake before it."""

    path: str
    kind: str
    enabled_at: float
    description: str = ""
    options: dict[str, str] = {}
    local: bool = False

    def __repr__(self) -> str:
        return f"DeviceEntry({self.path!r}, {self.kind})"  # the options of an http device hold its credentials

    def shown(self) -> dict[str, object]:
        """As the API shows it (spec/vault-api.md 2.8)."""
        return {
            "path": self.path,
            "type": self.kind,
            "description": self.description,
            "options": dict(self.options),
            "local": self.local,
        }


class DeviceOptions(Struct, frozen=True, kw_only=True):
    """What every kind of device understands."""

    raw: bool  # nothing is hashed
    hmac_accessor: bool
    elide_list_responses: bool
    best_effort: bool  # its failures fail no request


def parse_options(kind: str, options: Mapping[str, str]) -> DeviceOptions:
    """The common options, after checking what the kind needs. Raises Invalid."""
    if kind not in KINDS:
        raise Invalid(f'unknown backend type: "{kind[:64]}"')
    if kind == "file" and not file_path(options):
        raise Invalid("file_path is required")
    if kind == "socket" and not options.get("address"):
        raise Invalid("address is required")
    if kind == "http":
        from vaultlike.audit.devices.http import check_address

        check_address(options)
    if (form := options.get("format", "json")) != "json":
        raise Invalid(f'unknown format type "{form[:64]}"')
    if options.get("prefix"):
        raise Invalid("the option prefix is not supported: every line is JSON")
    file_mode(options)
    return DeviceOptions(
        raw=_flag(options, "log_raw", False),
        hmac_accessor=_flag(options, "hmac_accessor", True),
        elide_list_responses=_flag(options, "elide_list_responses", False),
        best_effort=_flag(options, "best_effort", False),
    )


def file_path(options: Mapping[str, str]) -> str:
    """Where a file device writes; `path` is the option's old name."""
    return options.get("file_path") or options.get("path") or ""


def file_mode(options: Mapping[str, str]) -> int:
    """The permissions of a file device; 0 leaves those of an existing file. Raises Invalid.

    Executable files are refused: log lines hold what callers chose (CVE-2025-6000).
    """
    text = options.get("mode") or "0600"
    try:
        mode = int(text, 8)
    except ValueError:
        raise Invalid(f'strconv.ParseUint: parsing "{text[:32]}": invalid syntax') from None
    if not 0 <= mode <= 0o777:
        raise Invalid(f'file mode "{text[:32]}" is out of range')
    if mode & _EXECUTABLE:
        raise Invalid("an audit file must not be executable")
    return mode


def _flag(options: Mapping[str, str], name: str, default: bool) -> bool:
    text = options.get(name)
    if text is None or text == "":
        return default
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Invalid(f'strconv.ParseBool: parsing "{text[:64]}": invalid syntax')
