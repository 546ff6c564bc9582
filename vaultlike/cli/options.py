"""Flags that every command which talks to a server takes, and what they mean for the connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vaultlike.cli import durations
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag, Flags

DEFAULT_ADDRESS = "https://127.0.0.1:8200"
FORMATS = ("table", "json", "yaml", "raw")


def both(name: str) -> tuple[str, ...]:
    """The environment variables of one setting: `VAULT_NAME`, else `BAO_NAME`."""
    return (f"VAULT_{name}", f"BAO_{name}")


HTTP_FLAGS = (
    Flag("address", "Address of the server, with http:// or https://.", default=DEFAULT_ADDRESS, env=both("ADDR")),
    Flag("token", "Token to send; better set VAULT_TOKEN: other users can see command lines.", env=both("TOKEN")),
    Flag("namespace", "Namespace of the request.", env=both("NAMESPACE"), aliases=("ns",)),
    Flag("header", "Extra HTTP header as key=value; may repeat.", kind="pairs"),
    Flag("wrap-ttl", "Wraps the answer in a single-use token of this lifetime.", "duration", env=both("WRAP_TTL")),
    Flag("ca-cert", "PEM file with the CA that signed the server's certificate.", env=both("CACERT")),
    Flag("ca-path", "Directory of PEM files with CAs.", env=both("CAPATH")),
    Flag("client-cert", "PEM file with this client's certificate.", env=both("CLIENT_CERT")),
    Flag("client-key", "PEM file with the key of -client-cert.", env=both("CLIENT_KEY")),
    Flag("tls-server-name", "Name expected in the server's certificate.", env=both("TLS_SERVER_NAME")),
    Flag("tls-skip-verify", "Does not check the server's certificate. Dangerous.", "bool", env=both("SKIP_VERIFY")),
    Flag("output-curl-string", "Prints the curl command instead of sending the request.", "bool"),
    Flag("output-policy", "Prints the policy that the request needs instead of sending it.", "bool"),
    Flag("non-interactive", "Never asks for anything on the terminal.", "bool"),
)
FORMAT_FLAG = Flag("format", "Output format: table, json, yaml or raw.", default="table", env=both("FORMAT"))
FIELD_FLAG = Flag("field", "Prints only this field, without decoration.")
NO_PRINT_FLAG = Flag("no-print", "Prints nothing (with login: only stores the token).", "bool")
GLOBAL_FLAGS = (*HTTP_FLAGS, FORMAT_FLAG, FIELD_FLAG, NO_PRINT_FLAG)


class Settings(NamedTuple):
    """How to reach a server and what every request carries. `timeout` in seconds; `retries` after the first try."""

    address: str
    token: str = ""
    namespace: str = ""
    headers: Mapping[str, str] = {}
    wrap_ttl: str = ""
    ca_cert: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    server_name: str = ""
    skip_verify: bool = False
    timeout: float = 60.0
    retries: int = 2
    preview: str = ""  # "", "curl" or "policy"

    def __repr__(self) -> str:  # the token must not be shown
        return f"Settings({self.address!r})"


def settings(flags: Flags, environ: Mapping[str, str], token: str) -> Settings:
    """Settings of one command; `token` is what the flags, the environment or the token file gave."""
    headers = flags.pairs("header")
    if any(name.lower().startswith("x-vault-") for name in headers):
        raise UsageError("-header cannot set X-Vault-* headers: use the flag of that setting")
    preview = "curl" if flags.on("output-curl-string") else "policy" if flags.on("output-policy") else ""
    return Settings(
        address=flags.text("address").rstrip("/"),
        token=token,
        namespace=flags.text("namespace").strip("/"),
        headers=headers,
        wrap_ttl=_wrap_ttl(flags),
        ca_cert=flags.text("ca-cert"),
        ca_path=flags.text("ca-path"),
        client_cert=flags.text("client-cert"),
        client_key=flags.text("client-key"),
        server_name=flags.text("tls-server-name"),
        skip_verify=flags.on("tls-skip-verify"),
        timeout=_seconds(environ, "CLIENT_TIMEOUT", 60.0),
        retries=int(_seconds(environ, "MAX_RETRIES", 2.0)),
        preview=preview,
    )


def _wrap_ttl(flags: Flags) -> str:
    text = flags.text("wrap-ttl")
    return f"{int(flags.seconds('wrap-ttl'))}s" if text else ""


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    for variable in both(name):
        if text := environ.get(variable):
            try:
                value = durations.seconds(text)
            except ValueError as problem:
                raise UsageError(f"{variable}: {problem}") from None
            if value < 0:
                raise UsageError(f"{variable} must not be negative")
            return value
    return default
