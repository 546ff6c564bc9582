"""Which Azure: the three public ones, and those that the server's own configuration adds.

Owns the addresses. The API can only choose a name from this table, so it cannot steer where the server sends its
credentials (spec/azure.md 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vaultlike.errors import Invalid

METADATA = "http://169.254.169.254"
STANZA = "azure_cloud"


class Cloud(Struct, frozen=True, kw_only=True):
    """One Azure. URLs have no slash at the end; `audience` is exact, because it names a resource, not a place.

    `issuer` is the base of the v1 issuers; "" lets the authority's own document decide (it is fixed and over TLS).
    `v2_issuers` are the bases of the v2 issuers: the authority and its other spellings.
    """

    name: str
    authority: str
    issuer: str
    v2_issuers: tuple[str, ...]
    resource_manager: str
    audience: str
    graph: str
    metadata: str = METADATA
    ca_file: str = ""

    @property
    def manager_scope(self) -> str:
        """The OAuth scope for Resource Manager: for the public cloud with two slashes, which is how Entra wants it."""
        return f"{self.audience}/.default"

    @property
    def graph_scope(self) -> str:
        return f"{self.graph}/.default"


BUILT_IN = {
    cloud.name.lower(): cloud
    for cloud in (
        Cloud(
            name="AzurePublicCloud",
            authority="https://login.microsoftonline.com",
            issuer="https://sts.windows.net",
            v2_issuers=("https://login.microsoftonline.com",),
            resource_manager="https://management.azure.com",
            audience="https://management.core.windows.net/",
            graph="https://graph.microsoft.com",
        ),
        Cloud(
            name="AzureUSGovernmentCloud",
            authority="https://login.microsoftonline.us",
            issuer="",
            v2_issuers=("https://login.microsoftonline.us",),
            resource_manager="https://management.usgovcloudapi.net",
            audience="https://management.core.usgovcloudapi.net",
            graph="https://graph.microsoft.us",
        ),
        Cloud(
            name="AzureChinaCloud",
            authority="https://login.chinacloudapi.cn",
            issuer="",
            v2_issuers=("https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"),
            resource_manager="https://management.chinacloudapi.cn",
            audience="https://management.core.chinacloudapi.cn",
            graph="https://microsoftgraph.chinacloudapi.cn",
        ),
    )
}
DEFAULT = "AzurePublicCloud"


def cloud_named(name: str, stanzas: tuple[Mapping[str, str], ...]) -> Cloud:
    """The cloud of that name, regardless of case; "" is the public one. `stanzas` are the server's own clouds.

    Raises Invalid when there is none, or when the server's stanza lacks an address.
    """
    wanted = (name or DEFAULT).lower()
    for stanza in stanzas:
        if stanza.get("name", "").lower() == wanted:
            return _from_stanza(stanza)
    known = BUILT_IN.get(wanted)
    if known is None:
        raise Invalid(f'err: no cloud configuration matching the name "{name[:128].upper()}"')
    return known


def _from_stanza(stanza: Mapping[str, str]) -> Cloud:
    def url(key: str) -> str:
        return stanza.get(key, "").strip().rstrip("/")

    for key in ("active_directory", "resource_manager"):
        if not url(key):
            raise Invalid(f'{STANZA} "{stanza["name"]}" in the server\'s configuration lacks {key}')
    return Cloud(
        name=stanza["name"],
        authority=url("active_directory"),
        issuer=url("issuer"),
        v2_issuers=(url("active_directory"),),
        resource_manager=url("resource_manager"),
        audience=stanza.get("audience", "").strip() or url("resource_manager"),
        graph=url("graph"),
        metadata=url("metadata") or METADATA,
        ca_file=stanza.get("ca_file", ""),
    )
