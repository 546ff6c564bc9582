"""audit enable, disable, list."""

from __future__ import annotations

from vaultlike.cli import data, output
from vaultlike.cli.command import Command
from vaultlike.cli.failures import REFUSED
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, slashed
from vaultlike.cli.shapes import Json, as_map, as_text


def _enable(session: Session) -> int:
    kind = session.args[0].strip()
    path = slashed(session.flags.text("path") or kind)
    body: Json = {
        "type": kind,
        "description": session.flags.text("description"),
        "options": data.parse_texts(session.args[1:], session.terminal.stdin),
        "local": session.flags.on("local"),
    }
    answer = session.client.call("PUT", f"sys/audit/{path.rstrip('/')}", body, doing="enabling audit device")
    session.warn(answer)
    session.success(f"Enabled the {kind} audit device at: {path}")
    return 0


def _disable(session: Session) -> int:
    path = slashed(session.args[0])
    session.client.call("DELETE", f"sys/audit/{path.rstrip('/')}", doing=f"disabling audit device at {path}")
    session.success(f"Disabled audit device (if it was enabled) at: {path}")
    return 0


def _list(session: Session) -> int:
    devices = session.client.call("GET", "sys/audit", doing="listing audits").data or {}
    if not devices and session.format == "table":
        session.line("No audit devices are enabled.")
        return REFUSED
    detailed = session.flags.on("detailed")
    header = ("Path", "Type", "Description") + (("Replication", "Options") if detailed else ())
    rows = [_row(path, as_map(devices[path]), detailed) for path in sorted(devices)]
    return session.show_data(devices, output.table(header, rows))


def _row(path: str, device: Json, detailed: bool) -> list[str]:
    row = [path, as_text(device.get("type")), as_text(device.get("description"))]
    if detailed:
        options = as_map(device.get("options"))
        row.append("local" if device.get("local") is True else "replicated")
        row.append(" ".join(f"{key}={output.value_text(options[key])}" for key in sorted(options)))
    return row


COMMANDS = (
    Command(
        "audit enable",
        "Enables an audit device. Options of the device are key=value words.",
        _enable,
        "TYPE [key=value ...]",
        1,
        -1,
        flags=(
            Flag("path", "Path to enable at. Default: the type."),
            Flag("description", "Text for people."),
            Flag("local", "Keeps the device to this cluster.", "bool"),
        ),
        examples=(("Log to a file", "audit enable file file_path=/var/log/vaultlike-audit.log"),),
    ),
    Command("audit disable", "Disables an audit device.", _disable, "PATH", 1, 1),
    Command("audit list", "Lists audit devices.", _list, flags=(Flag("detailed", "Shows all columns.", "bool"),)),
)
