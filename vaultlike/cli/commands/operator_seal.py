"""operator unseal, seal, step-down, members."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.commands.status import show_status
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_list, as_map


def _unseal(session: Session) -> int:
    reset = session.flags.on("reset")
    if reset and session.args:
        raise UsageError("-reset takes no key")
    body: Json = {"reset": True} if reset else {"key": _key(session), "migrate": session.flags.on("migrate")}
    seal = session.client.call("PUT", "sys/unseal", body, doing="unsealing", token="").body
    return show_status(session, seal, exit_sealed=0)


def _key(session: Session) -> str:
    given = session.args[0].strip() if session.args else ""
    if given == "-":
        return session.terminal.stdin.text().strip()
    if given:
        return given
    if session.flags.on("non-interactive"):
        raise UsageError("An unseal key is needed: vaultlike operator unseal KEY (or - for standard input)")
    key = session.terminal.ask_secret("Unseal Key", "give it as the argument, or - to read standard input")
    if not key:
        raise UsageError("No unseal key was given")
    return key


def _seal(session: Session) -> int:
    session.client.call("PUT", "sys/seal", doing="sealing")
    session.success("The server is sealed.")
    return 0


def _step_down(session: Session) -> int:
    session.client.call("PUT", "sys/step-down", doing="stepping down")
    session.success(f"Stepped down: {session.client.settings.address}")
    return 0


def _members(session: Session) -> int:
    found = session.client.call("GET", "sys/ha-status", doing="listing members").content
    nodes = [as_map(node) for node in as_list(found.get("nodes"))]
    if session.format != "table":
        return session.show_value({"Nodes": nodes})
    keys = ("hostname", "api_address", "cluster_address", "active_node", "version", "last_echo")
    titles = ("Host Name", "API Address", "Cluster Address", "Active Node", "Version", "Last Echo")
    session.line(output.table(titles, [[output.value_text(node.get(key) or "") for key in keys] for node in nodes]))
    return 0


COMMANDS = (
    Command("operator members", "Lists the nodes that serve this cluster.", _members),
    Command(
        "operator unseal",
        "Gives one unseal key; asks for it without echo when there is no argument.\n"
        "Repeat until the server is unsealed.",
        _unseal,
        "[KEY]",
        0,
        1,
        flags=(
            Flag("reset", "Forgets the keys given so far.", "bool"),
            Flag("migrate", "Gives the key for a seal migration.", "bool"),
        ),
    ),
    Command("operator seal", "Seals the server: it forgets its keys and refuses everything until unsealed.", _seal),
    Command(
        "operator step-down", "Asks the active node to step down. Without such a node nothing happens.", _step_down
    ),
)
