"""The words of `vaultlike server`: Go's flag syntax (`-name`, `--name`, `-name=value`, `-name value`)."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

HELP = """Usage: vaultlike server [options]

  Starts a server in the foreground.

  A server with a database:      vaultlike server -config=/etc/vaultlike/config.hcl
  Check a configuration:         vaultlike server -config=/etc/vaultlike/config.hcl -test
  Try things, all in memory:     vaultlike server -dev

Options:
  -config=PATH                 File or folder with configuration, HCL or JSON; may be given more than once.
  -test                        Only check the configuration: prints every problem, exits with 0 or 1.
  -log-level=LEVEL             trace, debug, info, warn or error.
  -log-format=FORMAT           standard or json.
  -log-file=PATH               Write the log there instead of to standard error.
  -workers=N                   How many processes serve requests; 1 if not given.

Dev options (never for real secrets):
  -dev                         In memory, unsealed, with kv version 2 at secret/ and a root token.
  -dev-root-token-id=ID        The root token (VAULT_DEV_ROOT_TOKEN_ID).
  -dev-listen-address=ADDR     host:port, 127.0.0.1:8200 if not given (VAULT_DEV_LISTEN_ADDRESS).
  -dev-tls                     Serve TLS with a fresh certificate, whose CA file is printed.
  -dev-tls-cert-dir=DIR        Where -dev-tls puts its files; a temporary folder if not given.
  -dev-azure                   Run the Azure emulator beside the server and add it as cloud "AzureEmulator".
  -dev-no-store-token          Do not store the root token in ~/.vault-token.
"""


class BadFlags(Exception):
    """The words cannot be understood; the text says why."""


class Flags(Struct, kw_only=True):
    """What was asked for. None and "" are "not said"."""

    config: list[str] = []
    test: bool = False
    log_level: str = ""
    log_format: str = ""
    log_file: str = ""
    workers: int = 0
    dev: bool = False
    dev_root_token_id: str = ""
    dev_listen_address: str = ""
    dev_tls: bool = False
    dev_tls_cert_dir: str = ""
    dev_azure: bool = False
    dev_no_store_token: bool = False
    help: bool = False


_BOOLS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


def parse_flags(words: Sequence[str]) -> Flags:
    """The flags in `words`. Raises BadFlags."""
    flags = Flags(config=[])
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            raise BadFlags(f'unexpected word "{word}": the server takes options only')
        name, has_value, value = word.lstrip("-").partition("=")
        name = "help" if name == "h" else name
        field = name.replace("-", "_")
        current: Any = getattr(flags, field, None) if field in Flags.__struct_fields__ and "_" not in name else None
        if current is None:
            raise BadFlags(_unknown(name))
        if isinstance(current, bool):
            setattr(flags, field, _bool(name, value) if has_value else True)
            continue
        if not has_value:
            if not rest:
                raise BadFlags(f"-{name} needs a value")
            value = rest.pop(0)
        if isinstance(current, list):
            current.append(value)
        else:
            setattr(flags, field, _integer(name, value) if isinstance(current, int) else value)
    return flags


def _bool(name: str, text: str) -> bool:
    try:
        return _BOOLS[text.lower()]
    except KeyError:
        raise BadFlags(f'-{name}: "{text}" is neither true nor false') from None


def _integer(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadFlags(f'-{name}: "{text}" is no number')
    return int(text)


def _unknown(name: str) -> str:
    known = [field.replace("_", "-") for field in Flags.__struct_fields__]
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown option -{name}" + (f", did you mean -{near[0]}?" if near else "")
