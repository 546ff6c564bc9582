"""The emulator as an object and as a program: addresses, TLS, state file, signals."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import hcl
import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector

from vaultlike.clock import FakeClock
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.command import main
from vaultlike.testing.azure.jose import parse
from vaultlike.testing.azure.model import Machine
from vaultlike.testing.azure.server import split_address

from .conftest import Client

PROGRAM = [
    sys.executable,
    "-c",
    "import sys\nfrom vaultlike.testing.azure.command import main\nsys.exit(main(sys.argv[1:]))",
]


@pytest.mark.parametrize("text", ["", "127.0.0.1", ":80", "host:", "host:x", "host:70000", "host:-1"])
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        split_address(text)


def test_good_addresses() -> None:
    assert split_address("169.254.169.254:80") == ("169.254.169.254", 80)
    assert split_address("[::1]:0") == ("::1", 0)


async def test_it_is_nothing_before_start_and_after_stop(emulator: AzureEmulator) -> None:
    await emulator.stop()
    await emulator.stop()
    for idle in (emulator, AzureEmulator()):
        with pytest.raises(RuntimeError):
            _ = idle.control


async def test_a_taken_port_is_an_error_and_leaves_nothing_behind(emulator: AzureEmulator) -> None:
    taken = emulator.metadata_url.removeprefix("http://")
    second = AzureEmulator(metadata=taken)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    with pytest.raises(RuntimeError):
        _ = second.control


async def test_a_stranger_does_not_trust_it(emulator: AzureEmulator) -> None:
    async with ClientSession() as session:
        with pytest.raises(ClientConnectorCertificateError):
            await session.get(f"{emulator.authority_url}/common/discovery/keys")


async def test_the_certificate_names_localhost_and_the_address(clock: FakeClock) -> None:
    async with AzureEmulator(clock, listen="127.0.0.2:0") as emulator:
        port = emulator.authority_url.rpartition(":")[2]
        context = ssl.create_default_context(cadata=emulator.ca_pem)
        async with ClientSession(connector=TCPConnector(ssl=context)) as session:
            answer = await session.get(f"{emulator.authority_url}/common/discovery/keys")
            assert answer.status == 200
        assert emulator.authority_url == f"https://127.0.0.2:{port}"


async def test_two_emulators_share_no_key(emulator: AzureEmulator, clock: FakeClock) -> None:
    async with AzureEmulator(clock) as second:
        ours, theirs = emulator.control.keys(), second.control.keys()
        assert not {key.kid for key in ours} & {key.kid for key in theirs}
        assert emulator.ca_pem != second.ca_pem


async def test_the_cloud_stanza_is_hcl_of_this_emulator(emulator: AzureEmulator) -> None:
    parsed = hcl.loads(emulator.cloud_stanza("emulated"))
    assert parsed["azure_cloud"]["emulated"] == {
        "active_directory": emulator.authority_url,
        "issuer": emulator.issuer_base,
        "resource_manager": emulator.resource_manager_url,
        "graph": emulator.graph_url,
        "audience": emulator.audience,
        "metadata": emulator.metadata_url,
        "ca_file": str(emulator.ca_file),
    }
    assert emulator.ca_file.read_text() == emulator.ca_pem


@pytest.mark.parametrize("content", ["", "{}", "nonsense", '{"world": []}'])
async def test_a_bad_state_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state"
    path.write_text(content)
    with pytest.raises(ValueError, match="not a state file"):
        await AzureEmulator(state=path).start()
    assert path.read_text() == content


async def test_the_state_file_keeps_world_keys_and_authority(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "state"
    async with AzureEmulator(clock, state=path) as first:
        machine = first.control.add_machine(Machine(name="kept", system_assigned=True))
        kid = first.control.rotate_keys()
        kept = (first.ca_pem, first.control.keys())
        oid = machine.principal_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with AzureEmulator(clock, state=path) as second:
        assert (second.ca_pem, second.control.keys()) == kept
        token = parse(second.control.mint(TokenOrder(host="kept")), dict[str, object])
        assert (token.claims["oid"], token.header.kid) == (oid, kid)


async def test_a_password_added_in_graph_survives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "state"
    texts: list[str] = []
    for _ in range(2):
        async with AzureEmulator(clock, state=path) as emulator:
            context = ssl.create_default_context(cadata=emulator.ca_pem)
            async with ClientSession(connector=TCPConnector(ssl=context)) as session:
                client = Client(emulator, session)
                for text in texts:
                    assert (
                        await client.login("https://management.azure.com/.default", client_secret=text)
                    ).status == 200
                app = f"{emulator.graph_url}/v1.0/applications/{w.SERVER_APP_OBJECT_ID}"
                headers = await client.bearer(emulator.graph_url)
                added = await client.post(f"{app}/addPassword", headers=headers, json={})
                texts.append(str(added.json["secretText"]))
    assert len(set(texts)) == 2


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["-nonsense"], 2), (["-listen-address=nowhere"], 1), (["--metadata-address", "127.0.0.1:99999"], 1)],
)
def test_the_command_refuses(argv: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == code
    got = capsys.readouterr()
    assert got.out == "" and got.err


@pytest.mark.parametrize(("dash", "number"), [("-", signal.SIGTERM), ("--", signal.SIGINT)])
async def test_the_command(tmp_path: Path, dash: str, number: signal.Signals) -> None:
    ca = tmp_path / "ca.pem"
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, f"{dash}listen-address=127.0.0.1:0", f"{dash}ca-out={ca}", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    info = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert info["ca_file"] == str(ca)
    assert info["ids"]["tenant_id"] == w.TENANT_ID
    context = ssl.create_default_context(cafile=str(ca))
    async with ClientSession(connector=TCPConnector(ssl=context)) as session:
        answer = await session.get(f"{info['authority']}/{w.TENANT_ID}/.well-known/openid-configuration")
        assert answer.status == 200
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), 10) == 0


ASK = (
    "import asyncio, aiohttp, sys\n"
    "from vaultlike.testing.azure import AzureEmulator\n"
    "async def go():\n"
    "    async with AzureEmulator(metadata='169.254.169.254:80') as emulator, aiohttp.ClientSession() as session:\n"
    "        answer = await session.get('http://169.254.169.254/metadata/instance?api-version=2021-05-01',"
    " headers={'Metadata': 'true'})\n"
    "        print(answer.status, emulator.metadata_url)\n"
    "asyncio.run(go())\n"
)


def namespaces_work() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0


@pytest.mark.skipif(not namespaces_work(), reason="needs unprivileged network namespaces and ip")
def test_the_real_metadata_address_in_a_namespace() -> None:
    script = f'ip link set lo up && ip addr add 169.254.169.254/32 dev lo && exec {sys.executable} -c "$ASK"'
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", script],
        env={**os.environ, "ASK": ASK},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.strip() == "200 http://169.254.169.254:80", done.stderr


async def test_keys_in_a_state_file_are_not_given_to_others(tmp_path: Path, clock: FakeClock) -> None:
    async with AzureEmulator(clock, state=tmp_path / "state"):
        pass
    async with AzureEmulator(clock, state=tmp_path / "state") as kept, AzureEmulator(clock) as other:
        ours, theirs = kept.control.keys(), other.control.keys()
        assert not {key.kid for key in ours} & {key.kid for key in theirs}
