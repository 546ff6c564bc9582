"""status: seal and leader state, for people and for scripts (exit code 2 while sealed)."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.failures import CommandError
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_int, as_text

_LEADER = ("ha_enabled", "is_self", "active_time", "leader_address", "leader_cluster_address")


def _status(session: Session) -> int:
    seal = session.client.call("GET", "sys/seal-status", doing="checking seal status").body
    return show_status(session, seal, exit_sealed=2)


def show_status(session: Session, seal: Json, *, exit_sealed: int) -> int:
    """Prints a seal-status body with the leader's state; returns `exit_sealed` while the server is sealed."""
    merged = {**seal, **_leader(session)}
    session.show_data(merged, output.table(("Key", "Value"), _rows(merged)))
    return exit_sealed if seal.get("sealed") is True else 0


def _leader(session: Session) -> Json:
    try:
        leader = session.client.call("GET", "sys/leader", preview=False).body
    except CommandError:  # sealed servers with several nodes cannot say
        return {"ha_enabled": False}
    return {key: leader[key] for key in _LEADER if key in leader}


def _rows(state: Json) -> list[list[str]]:
    recovery = "Recovery " if state.get("recovery_seal") is True else ""
    rows = [
        [f"{recovery}Seal Type", as_text(state.get("recovery_seal_type" if recovery else "type"))],
        ["Initialized", output.value_text(state.get("initialized") is True)],
        ["Sealed", output.value_text(state.get("sealed") is True)],
        [f"Total {recovery}Shares", str(as_int(state.get("n")))],
        ["Threshold", str(as_int(state.get("t")))],
    ]
    if recovery:
        rows.insert(0, ["Seal Type", as_text(state.get("type"))])
    if state.get("sealed") is True:
        rows.append(["Unseal Progress", f"{as_int(state.get('progress'))}/{as_int(state.get('t'))}"])
        rows.append(["Unseal Nonce", as_text(state.get("nonce"))])
    if state.get("migration") is True:
        rows.append(["Seal Migration in Progress", "true"])
    for title, key in (("Version", "version"), ("Build Date", "build_date"), ("Storage Type", "storage_type")):
        if as_text(state.get(key)):
            rows.append([title, as_text(state.get(key))])
    for title, key in (("Cluster Name", "cluster_name"), ("Cluster ID", "cluster_id")):
        if as_text(state.get(key)):
            rows.append([title, as_text(state.get(key))])
    return rows + _ha_rows(state)


def _ha_rows(state: Json) -> list[list[str]]:
    enabled = state.get("ha_enabled") is True
    rows = [["HA Enabled", output.value_text(enabled)]]
    if enabled and state.get("sealed") is not True:
        rows.append(["HA Cluster", as_text(state.get("leader_cluster_address"))])
        rows.append(["HA Mode", "active" if state.get("is_self") is True else "standby"])
        rows.append(["Active Node Address", as_text(state.get("leader_address"))])
    return rows


COMMANDS = (
    Command(
        "status",
        "Shows whether the server is initialized and unsealed.\n"
        "Exit codes: 0 unsealed, 2 sealed (or no answer), 1 wrong usage.",
        _status,
    ),
)
