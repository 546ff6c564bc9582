"""The configuration as it counts: stored values first, then the server's environment, judged and with its cloud.

Owns the precedence (spec/azure.md 3.3) and what may stand in a URL; knows no network.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import System
from vaultlike.types import NO_SECRET, Secret
from vaultlike_azure.clouds import STANZA, Cloud, cloud_named
from vaultlike_azure.config import Config

GUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
# one path segment of our own requests; a DNS name is all that Entra takes besides a GUID
_DOMAIN: Final = re.compile(r"\w(?:[\w-]{0,61}\w)?(?:\.\w(?:[\w-]{0,61}\w)?)*\.?", re.ASCII)

Method = Literal["root_creds", "plugin_wif", "aks_wi", "msi"]


class Settings(Struct, frozen=True, kw_only=True):
    """Everything a login needs to know of the configuration. Delays in seconds as the SDKs for Azure read them."""

    tenant_id: str
    resource: str
    cloud: Cloud
    unslashed: bool  # the resource may be named without its final slash too
    client_id: str
    client_secret: Secret
    method: Method  # how the server proves itself to Azure
    audience: str  # of identity tokens, for plugin_wif
    identity_token_ttl: int
    token_file: str  # for aks_wi
    attempts: int
    retry_delay: float
    max_retry_delay: float  # negative: no cap

    @property
    def audiences(self) -> tuple[str, ...]:
        """What a login token's `aud` may be."""
        return (self.resource, self.resource.removesuffix("/")) if self.unslashed else (self.resource,)

    @property
    def tenant_guid(self) -> str:
        """The tenant in lower case when it is a GUID, else ""."""
        return self.tenant_id.lower() if GUID.fullmatch(self.tenant_id) else ""


def resolve(config: Config, system: System) -> Settings:
    """Stored values, else environment variables. Raises Invalid for what is missing or cannot be used."""

    def either(stored: str, name: str) -> str:
        return stored or system.environ(name)

    tenant = either(config.tenant_id, "AZURE_TENANT_ID")
    if not tenant:
        raise Invalid("tenant_id is required")
    if len(tenant) > 253 or not _DOMAIN.fullmatch(tenant):
        raise Invalid("tenant_id must be a GUID or a domain name")
    resource = either(config.resource, "AZURE_AD_RESOURCE")
    if not resource:
        raise Invalid("resource is required")
    cloud = cloud_named(either(config.environment, "AZURE_ENVIRONMENT"), system.settings(STANZA))
    secret = config.client_secret
    # A stray AZURE_CLIENT_SECRET must not switch off the federation or identity that the config asks for.
    if not secret and not config.identity_token_audience and config.auth_type in ("", "root_creds"):
        secret = Secret(system.environ("AZURE_CLIENT_SECRET"))
    token_file = system.environ("AZURE_FEDERATED_TOKEN_FILE")
    return Settings(
        tenant_id=tenant,
        resource=resource,
        cloud=cloud,
        unslashed=config.resource_without_slash and resource.endswith("/"),
        client_id=either(config.client_id, "AZURE_CLIENT_ID"),
        client_secret=secret or NO_SECRET,
        method=_method(config, bool(secret), bool(token_file)),
        audience=config.identity_token_audience,
        identity_token_ttl=config.identity_token_ttl or 3600,
        token_file=token_file,
        attempts=1 + (3 if config.max_retries == 0 else max(config.max_retries, 0)),
        retry_delay=0.8 if config.retry_delay == 0 else max(config.retry_delay, 0),
        max_retry_delay=config.max_retry_delay or 60,
    )


def _method(config: Config, secret: bool, token_file: bool) -> Method:
    """What auth_type says, else the first that is configured (spec/azure.md 3.3, 3.4)."""
    named: dict[str, Method] = {
        "root_creds": "root_creds",
        "plugin_wif": "plugin_wif",
        "aks_wi": "aks_wi",
        "msi": "msi",
    }
    if config.auth_type in named:
        return named[config.auth_type]
    if secret:
        return "root_creds"
    if config.identity_token_audience:
        return "plugin_wif"
    return "aks_wi" if token_file else "msi"
