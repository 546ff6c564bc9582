"""Where a provider may send the browser (RFC 8252 7.3): the allowed addresses to the letter, loopback on any port."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))
MAX_URI: Final = 2048


def _split(uri: str) -> SplitResult | None:
    if len(uri) > MAX_URI or not uri.isascii() or not uri.isprintable() or set(uri) & set(" \\<>\"'`{}|^"):
        return None
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  # raises for what is no port
    except ValueError:
        return None
    return parts


def _portless(parts: SplitResult) -> tuple[str, ...] | None:
    """What must be equal of a loopback address; None for one with credentials, which only confuse readers."""
    if parts.username is not None or parts.password is not None or parts.hostname is None:
        return None
    return (parts.scheme, parts.hostname, parts.path, parts.query, parts.fragment)


def allowed(uri: str, known: tuple[str, ...]) -> bool:
    """Whether the role's `known` addresses admit `uri`."""
    parts = _split(uri)
    if parts is None:
        return False
    if parts.hostname not in LOOPBACK:
        return uri in known
    wanted = _portless(parts)
    if wanted is None:
        return False
    return any(wanted == _portless(other) for one in known if (other := _split(one)) is not None)


def without_namespace(uri: str) -> tuple[str, str]:
    """The address without its `namespace` query, and the namespace ("" when it names none)."""
    parts = _split(uri)
    if parts is None or "namespace=" not in parts.query:
        return uri, ""
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    namespace = next((value for name, value in pairs if name == "namespace"), "")
    if not namespace:
        return uri, ""
    rest = urlencode([(name, value) for name, value in pairs if name != "namespace"])
    return urlunsplit(parts._replace(query=rest)), namespace
