"""The server's own managed identity: instance metadata, App Service and its likes, Azure Arc (spec/azure.md 3.3).

Which endpoint it is follows from the server's environment variables, as in Microsoft's libraries.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from vaultlike.errors import Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.egress import Fetched
from vaultlike.types import Secret
from vaultlike_azure.grant import granted
from vaultlike_azure.settings import Settings
from vaultlike_azure.wire import Wire

ARC_KEYS: Final = Path("/var/opt/azcmagent/tokens")
MAX_ARC_KEY: Final = 4096  # bytes
ATTEMPTS: Final = 3


async def managed_token(ctx: Context, settings: Settings, wire: Wire, resource: str) -> tuple[Secret, float]:
    """A token for `resource` and its life in seconds. Raises Upstream."""
    endpoint = ctx.system.environ("IDENTITY_ENDPOINT")
    header = ctx.system.environ("IDENTITY_HEADER")
    params = {"resource": resource}
    if settings.client_id:
        params["client_id"] = settings.client_id  # which of several user-assigned identities
    if endpoint and header:
        answer = await wire.send(
            "GET",
            endpoint,
            headers={"X-IDENTITY-HEADER": header},
            params={"api-version": "2019-08-01", **params},
            attempts=ATTEMPTS,
        )
    elif endpoint and ctx.system.environ("IMDS_ENDPOINT"):
        answer = await _arc(wire, endpoint, resource)
    else:
        answer = await wire.send(
            "GET",
            f"{settings.cloud.metadata}/metadata/identity/oauth2/token",
            headers={"Metadata": "true"},
            params={"api-version": "2018-02-01", **params},
            attempts=ATTEMPTS,
        )
    return granted(answer, ctx.clock.now())


async def _arc(wire: Wire, endpoint: str, resource: str) -> Fetched:
    """Arc proves that we are on the machine: it names a file that only local services can read."""
    params = {"api-version": "2020-06-01", "resource": resource}
    first = await wire.send("GET", endpoint, headers={"Metadata": "true"}, params=params, attempts=ATTEMPTS)
    if first.status != 401:
        return first
    _, sign, realm = first.headers.get("WWW-Authenticate", "").partition("realm=")
    key = await asyncio.to_thread(_arc_key, Path(realm.strip().strip('"'))) if sign else ""
    headers = {"Metadata": "true", "Authorization": f"Basic {key}"}
    return await wire.send("GET", endpoint, headers=headers, params=params, attempts=ATTEMPTS)


def _arc_key(path: Path) -> str:
    if path.parent != ARC_KEYS or path.suffix != ".key":
        raise Upstream(reason="Azure Arc named a key file outside of its own folder")
    try:
        if path.stat().st_size > MAX_ARC_KEY:
            raise Upstream(reason="Azure Arc's key file is too large")
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Upstream(reason=f"Azure Arc's key file cannot be read: {type(error).__name__}") from None
