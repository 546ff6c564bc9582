"""GET requests to a cloud's instance metadata service: plain HTTP on a link-local address, never through a proxy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from vaultlike.cli.failures import CommandError
from vaultlike.cli.shapes import Json, as_map

TIMEOUT = 5.0  # seconds
MAX_ANSWER = 1024 * 1024  # bytes
_AGAIN = frozenset((404, 410, 429, 500, 502, 503, 504))  # metadata services ask callers to repeat these
_TRIES = 3


def get(
    base: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    sleep: Callable[[float], None],
    *,
    what: str,
    method: str = "GET",
) -> str:
    """The body of `base + path`. `what` names the service in messages. Raises CommandError."""
    import http.client

    parts = urlsplit(base)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = parts.path.rstrip("/") + path + ("?" + urlencode(query) if query else "")
    status, text = 0, ""
    for attempt in range(_TRIES):
        if attempt:
            sleep(0.5 * attempt)
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            connection.request(method, target, headers=dict(headers))
            response = connection.getresponse()
            status, text = response.status, response.read(MAX_ANSWER).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as problem:
            raise CommandError(f"{what} does not answer at {base}: {problem}. Is this machine in that cloud?") from None
        finally:
            connection.close()
        if status == 200:
            return text
        if status not in _AGAIN:
            break
    raise CommandError(f"{what} at {base} answered {status}: {text[:500].strip()}")


def as_object(text: str, what: str) -> Json:
    """The body as a JSON object. Raises CommandError."""
    try:
        return as_map(json.loads(text))
    except ValueError:
        raise CommandError(f"{what} did not answer with JSON") from None
