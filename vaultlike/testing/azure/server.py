"""The emulator as one object: two listeners over one state (spec/azure.md 7).

Owns starting, stopping and addresses. TLS carries the authority, Resource Manager and Graph; plain http carries
the metadata services and the levers (`/_emu`). More metadata listeners can be bound to single hosts.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from aiohttp import web
from msgspec import Struct

from vaultlike.clock import Clock, SystemClock
from vaultlike.testing.azure.arm import Arm
from vaultlike.testing.azure.certificates import server_context
from vaultlike.testing.azure.control import Control
from vaultlike.testing.azure.control_http import ControlHttp
from vaultlike.testing.azure.entra import Entra
from vaultlike.testing.azure.federation import Federation
from vaultlike.testing.azure.gate import Gate
from vaultlike.testing.azure.graph import Graph
from vaultlike.testing.azure.metadata import Metadata
from vaultlike.testing.azure.state import Addresses, State
from vaultlike.testing.azure.world import ids

_BODY_LIMIT = 256 * 1024  # bytes of a request
_GRACE = 1.0  # seconds that open requests get at the end


class Info(Struct, frozen=True, kw_only=True):
    """Where everything is: the first line of the command and `GET /_emu/info`. Paths as text."""

    authority: str
    issuer: str
    resource_manager: str
    graph: str
    audience: str
    metadata: str
    control: str
    ca_file: str
    ids: dict[str, str]


class AzureEmulator:
    """An imaginary Azure. Use it as an async context manager.

    clock: the time of the emulated services; listen, metadata: `host:port` of the TLS and the plain listener, port 0
    picks a free one; state: file to keep the world in, None keeps it in memory; ca_out: where the CA goes, None makes a
    temporary file; issuer_ca: file with further CAs for issuers of federated credentials; arc_folder: where
    Arc's challenge files go, None makes a temporary folder. Raises OSError when an address cannot be bound
    and ValueError for a bad address or state file.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        listen: str = "127.0.0.1:0",
        metadata: str = "127.0.0.1:0",
        state: Path | str | None = None,
        *,
        ca_out: Path | str | None = None,
        issuer_ca: Path | str | None = None,
        arc_folder: Path | str | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._listen = split_address(listen)
        self._metadata = split_address(metadata)
        self._path = Path(state) if state else None
        self._ca_out = Path(ca_out) if ca_out else None
        self._issuer_ca = Path(issuer_ca) if issuer_ca else None
        self._arc_folder = Path(arc_folder) if arc_folder else None
        self._running: _Running | None = None

    async def __aenter__(self) -> AzureEmulator:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Binds both listeners; when it returns, requests are answered."""
        async with AsyncExitStack() as stack:
            # Keys cost CPU time: not on the loop of a server that may share this process.
            state = await asyncio.to_thread(State, self._clock, self._path)
            stack.callback(state.close)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="azure-emulator-")))
            ca_file = self._ca_out or folder / "ca.pem"
            ca_file.write_text(state.authority.certificate)
            federation = Federation(state, self._issuer_ca)
            stack.push_async_callback(federation.close)
            arc_folder = self._arc_folder or folder
            running = _Running(state, stack, ca_file, arc_folder)
            await running.open(self._listen, self._metadata, federation)
            state.save()
            running.stack = stack.pop_all()
            self._running = running

    async def stop(self) -> None:
        """Closes the listeners; requests that hang on purpose are let go. A second call does nothing."""
        running, self._running = self._running, None
        if running is not None:
            running.state.faults.release()
            await running.stack.aclose()

    @property
    def _live(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the Azure emulator is not running")
        return self._running

    @property
    def control(self) -> Control:
        return self._live.control

    @property
    def addresses(self) -> Addresses:
        return self._live.state.addresses

    @property
    def authority_url(self) -> str:
        return self.addresses.authority

    @property
    def issuer_base(self) -> str:
        """v1 tokens are issued by `<issuer_base>/<tenant>/`."""
        return self.addresses.issuer_base

    @property
    def resource_manager_url(self) -> str:
        return self.addresses.resource_manager

    @property
    def graph_url(self) -> str:
        return self.addresses.graph

    @property
    def audience(self) -> str:
        return self.addresses.audience

    @property
    def metadata_url(self) -> str:
        return self.addresses.metadata

    def metadata_for(self, host: str) -> str:
        """A metadata base whose callers are taken for this host."""
        return f"{self.addresses.metadata}/at/{host}"

    async def listen_metadata(self, host: str, address: str = "127.0.0.1:0") -> str:
        """One more metadata listener, bound to a host; returns its base URL. It has no levers."""
        self._live.control.host(host)
        return await self._live.open_metadata(split_address(address), host)

    @property
    def ca_file(self) -> Path:
        return self._live.ca_file

    @property
    def ca_pem(self) -> str:
        return self._live.state.authority.certificate

    def info(self) -> Info:
        return self._live.info()

    def cloud_stanza(self, name: str) -> str:
        """The server's config block by which it reaches this Azure, as HCL."""
        where = self.addresses
        values = {
            "active_directory": where.authority,
            "issuer": where.issuer_base,
            "resource_manager": where.resource_manager,
            "graph": where.graph,
            "audience": where.audience,
            "metadata": where.metadata,
            "ca_file": str(self.ca_file),
        }
        # A JSON string is an HCL string as long as it holds no `${`; no address does.
        lines = [f"  {key} = {json.dumps(value)}" for key, value in values.items()]
        return "\n".join([f"azure_cloud {json.dumps(name)} {{", *lines, "}"]) + "\n"


class _Running:
    """What exists between start and stop."""

    def __init__(self, state: State, stack: AsyncExitStack, ca_file: Path, arc_folder: Path) -> None:
        self.state = state
        self.stack = stack
        self.ca_file = ca_file
        self.arc_folder = arc_folder
        self.gate = Gate(state)
        self.control = Control(state)

    async def open(self, listen: tuple[str, int], metadata: tuple[str, int], federation: Federation) -> None:
        state, gate = self.state, self.gate
        secure = web.Application(client_max_size=_BODY_LIMIT)
        # Entra's routes begin with any word: they come last.
        secure.add_routes([*Arm(state).routes(gate), *Graph(state).routes(gate)])
        secure.add_routes(Entra(state, federation).routes(gate))
        context = await asyncio.to_thread(server_context, state.authority, _shown(listen[0]))
        base = "https://" + await self._serve(secure, listen, context)
        state.addresses.authority = state.addresses.resource_manager = base
        state.addresses.graph = f"{base}/graph"
        plain = web.Application(client_max_size=_BODY_LIMIT)
        plain.add_routes(Metadata(state, self.arc_folder).routes(gate))
        plain.add_routes(ControlHttp(self.control, self.info).routes())
        state.addresses.metadata = "http://" + await self._serve(plain, metadata, None)

    async def open_metadata(self, address: tuple[str, int], host: str) -> str:
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.add_routes(Metadata(self.state, self.arc_folder, host).routes(self.gate))
        return "http://" + await self._serve(app, address, None)

    async def _serve(self, app: web.Application, address: tuple[str, int], context: ssl.SSLContext | None) -> str:
        """Binds and returns `host:port` as clients say it."""
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_GRACE)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, address[0], address[1], ssl_context=context).start()
        port = runner.addresses[0][1]
        host = _shown(address[0])
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def info(self) -> Info:
        where = self.state.addresses
        return Info(
            authority=where.authority,
            issuer=where.issuer_base,
            resource_manager=where.resource_manager,
            graph=where.graph,
            audience=where.audience,
            metadata=where.metadata,
            control=f"{where.metadata}/_emu",
            ca_file=str(self.ca_file.resolve()),
            ids=ids(),
        )


def split_address(text: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port`. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text!r} is not of the form host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _shown(host: str) -> str:
    """The host by which clients reach a listener: `0.0.0.0` is no address to dial."""
    try:
        return "127.0.0.1" if ipaddress.ip_address(host).is_unspecified else host
    except ValueError:
        return host
