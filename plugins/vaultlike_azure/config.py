"""The mount's configuration: its fields, and what a read shows of them (spec/azure.md 1.1, 1.2).

What a write may say is judged in `config_check.py`; `settings.py` turns a configuration into what logins need.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.sdk import Context
from vaultlike.types import NO_SECRET, Duration, Secret, SignedDuration

FIELD_TEXT = 'error converting input {value} for field "{field}": {problem}'
SECOND = 1_000_000_000  # nanoseconds


class Config(Struct, kw_only=True, omit_defaults=True):
    """How the mount reaches Azure. Spans in seconds."""

    tenant_id: Annotated[str, Meta(description="Tenant that vouches for the machines: its GUID or a domain.")] = ""
    resource: Annotated[str, Meta(description="Audience that login tokens must name, to the letter.")] = ""
    resource_without_slash: Annotated[
        bool, Meta(description="Tokens may name a resource that ends with a slash without it too.")
    ] = False
    environment: Annotated[str, Meta(description="Name of the Azure cloud; empty is AzurePublicCloud.")] = ""
    client_id: Annotated[str, Meta(description="Application that asks Azure about machines.")] = ""
    client_secret: Annotated[Secret, Meta(description="Secret of that application; never shown.")] = NO_SECRET
    auth_type: Annotated[
        str,
        Meta(
            description="How the server proves itself to Azure: root_creds, plugin_wif, msi, aks_wi; empty: find out."
        ),
    ] = ""
    identity_token_audience: Annotated[str, Meta(description="Audience of federated identity tokens.")] = ""
    identity_token_ttl: Annotated[Duration, Meta(description="Life of federated identity tokens; 0 is an hour.")] = 0
    root_password_ttl: Annotated[Duration, Meta(description="Life of a secret made by rotate-root.")] = 15_768_000
    max_retries: Annotated[int, Meta(description="Retries of a request to Azure; 0 is 3, negative none.")] = 3
    retry_delay: Annotated[SignedDuration, Meta(description="First delay between retries.")] = 4
    max_retry_delay: Annotated[SignedDuration, Meta(description="Longest delay between retries; negative: no cap.")] = (
        60
    )
    rotation_schedule: Annotated[str, Meta(description="Cron expression (UTC) of the secret's rotation.")] = ""
    rotation_window: Annotated[Duration, Meta(description="How long after a scheduled time rotation may start.")] = 0
    rotation_period: Annotated[Duration, Meta(description="Time between rotations of the secret.")] = 0
    rotation_policy: Annotated[str, Meta(description="Kept for clients that send it; not used.")] = ""
    disable_automated_rotation: Annotated[bool, Meta(description="Stop rotating by schedule or period.")] = False


def show_config(ctx: Context, value: Config) -> dict[str, object]:
    """What a read shows: no secret, values from the environment neither; the two delays in nanoseconds (spec 1.2)."""
    return {
        "tenant_id": value.tenant_id,
        "resource": value.resource,
        **({"resource_without_slash": True} if value.resource_without_slash else {}),  # an extension: shown when used
        "environment": value.environment,
        "client_id": value.client_id,
        "root_password_ttl": value.root_password_ttl,
        "max_retries": value.max_retries,
        "retry_delay": value.retry_delay * SECOND,
        "max_retry_delay": value.max_retry_delay * SECOND,
        "identity_token_audience": value.identity_token_audience,
        "identity_token_ttl": value.identity_token_ttl,
        "rotation_schedule": value.rotation_schedule,
        "rotation_window": value.rotation_window,
        "rotation_period": value.rotation_period,
        "rotation_policy": value.rotation_policy,
        "disable_automated_rotation": value.disable_automated_rotation,
        "auth_type": value.auth_type,
    }
