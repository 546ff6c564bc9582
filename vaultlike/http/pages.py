"""Headers that an operator has set for web pages (`sys/config/ui/headers`; spec/vault-api.md 2.12).

They go with everything below `/ui` and with each page that a login shows to a browser; what a page says itself (such as
its own Content-Security-Policy) stays. Answers of the API never carry them.
"""

from __future__ import annotations

from vaultlike.core.server import Server
from vaultlike.http.message import Outgoing
from vaultlike.system.ui_headers import stored_headers


def is_page(raw_path: str, outgoing: Outgoing) -> bool:
    """Whether an answer is for a browser's window."""
    return raw_path == "/ui" or raw_path.startswith("/ui/") or outgoing.content_type.startswith("text/html")


async def page_headers(server: Server, outgoing: Outgoing) -> tuple[tuple[str, str], ...]:
    """The headers to add to a page; none while sealed, when the setting cannot be read."""
    core = server.core
    if core is None:
        return ()
    own = {name.lower() for name, _ in outgoing.headers}
    return tuple((name, value) for name, value in await stored_headers(core.root_storage) if name.lower() not in own)
