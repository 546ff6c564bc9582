"""`vaultlike emulator spire`: the emulator as a program. Owns flags, the first line of output and signals."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
import tempfile
from pathlib import Path

import msgspec

from vaultlike.clock import SystemClock
from vaultlike.server.devtls import make_certificates
from vaultlike.testing.spire.authority import Authority
from vaultlike.testing.spire.provider import DiscoveryProvider


def main(argv: list[str]) -> int:
    """Runs until SIGTERM or SIGINT. The first line of standard output is one JSON object: `url` of the discovery
    provider, `issuer`, `trust_domain` and `ca_file` (without TLS ""). Returns 0, 1 where it cannot start, 2 for bad
    flags."""
    try:
        flags = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed why
        return int(stop.code or 0)
    try:
        asyncio.run(_run(flags))
    except (OSError, ValueError) as error:
        print(f"emulator spire: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(flags: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    clock = SystemClock()
    host, _, port = flags.listen_address.rpartition(":")
    with tempfile.TemporaryDirectory(prefix="vaultlike-spire-") as folder:
        tls, ca_file = _tls(folder, host, clock.now(), flags.ca_out) if flags.tls else (None, "")
        authority = Authority(flags.trust_domain, clock)
        provider = DiscoveryProvider(authority, tls=tls)
        await provider.start(host or "127.0.0.1", int(port))
        authority.issuer = flags.jwt_issuer or provider.url
        info = {"url": provider.url, "issuer": authority.issuer, "trust_domain": flags.trust_domain, "ca_file": ca_file}
        print(msgspec.json.encode(info).decode(), flush=True)
        try:
            await stopped.wait()
        finally:
            await provider.stop()


def _tls(folder: str, host: str, now: float, ca_out: str) -> tuple[ssl.SSLContext, str]:
    files = make_certificates(folder, host, now)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.certificate, files.key)
    if ca_out:
        Path(ca_out).write_bytes(Path(files.ca).read_bytes())
    return tls, ca_out or files.ca


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vaultlike emulator spire",
        description="An imaginary SPIRE server with its OIDC discovery provider, for development and tests.",
        allow_abbrev=False,
    )
    flags = {
        "listen-address": ("127.0.0.1:0", "host:port of the discovery provider"),
        "trust-domain": ("example.org", "the trust domain"),
        "jwt-issuer": ("", "`iss` of the JWT-SVIDs (default: the address of the discovery provider)"),
        "ca-out": ("", "file to write the CA certificate to, with -tls (default: a temporary one)"),
    }
    for name, (default, text) in flags.items():
        parser.add_argument(f"-{name}", f"--{name}", default=default, help=text, dest=name.replace("-", "_"))
    parser.add_argument("-tls", "--tls", action="store_true", help="serve HTTPS with a throw-away CA")
    return parser
