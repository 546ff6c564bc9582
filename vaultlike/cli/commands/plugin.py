"""plugin list, info (spec/vault-api.md 2.10)."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.failures import NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import as_list, as_map, as_text

_TYPES = ("auth", "database", "secret")


def _list(session: Session) -> int:
    wanted = session.args[0].strip() if session.args else ""
    if wanted and wanted not in _TYPES:
        raise UsageError(f'"{wanted}" is no plugin type: choose one of {", ".join(_TYPES)}')
    catalog = session.client.call("GET", "sys/plugins/catalog", doing="listing plugins").content
    plugins = [as_map(entry) for entry in as_list(catalog.get("detailed"))]
    plugins = [entry for entry in plugins if not wanted or entry.get("type") == wanted]
    plugins.sort(key=lambda entry: (as_text(entry.get("type")), as_text(entry.get("name"))))
    if session.format != "table":
        return session.show_value([entry.get("name") for entry in plugins] if wanted else catalog)
    detailed = session.flags.on("detailed")
    kind = () if wanted else ("type",)
    keys = ("name", *kind, "version", *(("deprecation_status",) if detailed else ()))
    header = ("Name", *(key.title() for key in kind), "Version", *(("Deprecation Status",) if detailed else ()))
    session.line(output.table(header, [[as_text(entry.get(key)) for key in keys] for entry in plugins]))
    return 0


def _info(session: Session) -> int:
    kind, name = (arg.strip() for arg in session.args)
    if kind not in _TYPES:
        raise UsageError(f'"{kind}" is no plugin type: choose one of {", ".join(_TYPES)}')
    path = f"sys/plugins/catalog/{kind}/{name}"
    version = session.flags.text("version")
    answer = session.client.call(
        "GET", path, query={"version": version} if version else None, doing=f"reading plugin {name}", missing_ok=True
    )
    if answer.status == 404:
        raise NothingFound(f"No {kind} plugin named: {name}")
    return session.show(answer, found_at=path)


COMMANDS = (
    Command(
        "plugin list",
        "Lists the plugins that the server can mount.",
        _list,
        "[auth|database|secret]",
        0,
        1,
        flags=(Flag("detailed", "Shows all columns.", "bool"),),
    ),
    Command(
        "plugin info",
        "Shows one plugin.",
        _info,
        "TYPE NAME",
        2,
        2,
        flags=(Flag("version", "Version of the plugin."),),
    ),
)
