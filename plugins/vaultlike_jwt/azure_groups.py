"""Groups that did not fit into a token of Entra: fetched from Microsoft Graph (spec/auth-methods.md 2b-oidc, azure)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from vaultlike.errors import Upstream
from vaultlike.sdk.egress import EgressClient
from vaultlike.sdk.jwks import Claims

# The token says where to ask, but the user's access token goes to Graph alone.
HOSTS: Final = frozenset(
    ("graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn")
)
_SUCCESSORS: Final = {"graph.windows.net": "graph.microsoft.com", "graph.microsoftazure.us": "graph.microsoft.us"}
TIMEOUT: Final = 10.0
MAX_ANSWER: Final = 1024 * 1024


class _Groups(Struct):
    value: list[str]


def groups_address(claims: Claims, groups_claim: str) -> str:
    """Where the token says that its groups are, on a host of Graph; "" where it says nothing. Raises Upstream."""
    source = claims.at(f"/_claim_names/{groups_claim.replace('~', '~0').replace('/', '~1')}")
    if not isinstance(source, str):
        return ""
    address = claims.at(f"/_claim_sources/{source.replace('~', '~0').replace('/', '~1')}/endpoint")
    if not isinstance(address, str):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise Upstream(reason="the token's source of groups is no URL") from None
    host, path = parts.netloc, parts.path
    if host in _SUCCESSORS:
        host, path = _SUCCESSORS[host], f"/v1.0{path}"
    if host not in HOSTS or parts.scheme != "https":
        raise Upstream(
            reason=f"the token's source of groups is at {parts.netloc[:128]!r}, which is not Microsoft Graph"
        )
    return urlunsplit(("https", host, path, parts.query, ""))


async def fetch_groups(client: EgressClient, address: str, access_token: str) -> list[str]:
    """The ids of the user's groups. Raises Upstream."""
    answer = await client.request(
        "POST",
        address,
        headers={"Authorization": f"Bearer {access_token}"},
        json={"securityEnabledOnly": False},
        timeout=TIMEOUT,
        limit=MAX_ANSWER,
    )
    return answer.expect(200).json(_Groups).value
