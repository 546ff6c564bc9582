"""The mount's configuration: what a write accepts, what is kept, what a read shows (spec/azure.md 1.1, 1.2).

Owns no credentials in use and no network: `settings.py` turns this into what logins need.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Context
from vaultlike.types import NO_SECRET, Duration, Secret, SignedDuration
from vaultlike_azure.schedule import parse_schedule
from vaultlike_azure.settings import resolve

FIELD_TEXT = 'error converting input {value} for field "{field}": {problem}'
AUTH_TYPES = ("", "root_creds", "plugin_wif", "msi", "aks_wi")
SECOND = 1_000_000_000  # nanoseconds
MIN_ROTATION = 10  # seconds
RESET = {"root_password_ttl": 15_768_000, "max_retries": 3, "retry_delay": 4, "max_retry_delay": 60}


class Config(Struct, kw_only=True, omit_defaults=True):
    """How the mount reaches Azure. Spans in seconds."""

    tenant_id: Annotated[str, Meta(description="Tenant that vouches for the machines: its GUID or a domain.")] = ""
    resource: Annotated[str, Meta(description="Audience that login tokens must name, to the letter.")] = ""
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


async def check_config(ctx: Context, call: Call, new: Config, old: Config | None) -> list[str]:
    """Completes and judges a written config; raises Invalid. Azure itself is not asked."""
    _reset(call.data, new)
    if new.auth_type not in AUTH_TYPES:
        raise Invalid(f'invalid auth_type "{new.auth_type[:64]}": use one of root_creds, plugin_wif, msi, aks_wi')
    _check_rotation(call.data, new)
    if new.client_secret and new.identity_token_audience:
        raise Invalid("only one of 'client_secret' and 'identity_token_audience' can be set")
    if new.auth_type == "plugin_wif" and not new.identity_token_audience:
        raise Invalid("auth_type 'plugin_wif' needs 'identity_token_audience'")
    if new.auth_type in ("msi", "aks_wi") and (new.client_secret or new.identity_token_audience):
        raise Invalid(f"auth_type '{new.auth_type}' excludes 'client_secret' and 'identity_token_audience'")
    settings = resolve(new, ctx.system)
    if new.auth_type == "root_creds" and not (settings.client_id and settings.client_secret):
        raise Invalid("auth_type 'root_creds' needs 'client_id' and 'client_secret'")
    if new.identity_token_audience and call.data.get("identity_token_audience") and not call.simulated:
        # a throw-away token proves that this server issues them, before a login depends on it
        await ctx.system.identity_token(new.identity_token_audience, new.identity_token_ttl or 3600)
    return []


def _reset(sent: Mapping[str, object], new: Config) -> None:
    """These four fall back to their defaults whenever a write leaves them out (spec/azure.md 1.1, reset rule)."""
    for name, default in RESET.items():
        if name not in sent or (sent[name] is None and name != "max_retries"):
            setattr(new, name, default)


def _check_rotation(sent: Mapping[str, object], new: Config) -> None:
    schedule, period = bool(sent.get("rotation_schedule")), "rotation_period" in sent and new.rotation_period > 0
    if schedule and period:
        raise Invalid(
            "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one can be set"
        )
    # the request decides; what was stored of the other kind goes, or the mount would have two plans
    if schedule:
        new.rotation_period = 0
    elif period:
        new.rotation_schedule, new.rotation_window = "", new.rotation_window if "rotation_window" in sent else 0
    if new.rotation_schedule:
        parse_schedule(new.rotation_schedule)
    if new.rotation_window and new.rotation_period:
        raise Invalid("rotation_window does not apply to rotation_period")
    if new.rotation_window and not new.rotation_schedule:
        raise Invalid("cannot use rotation_window without rotation_schedule")
    if 0 < new.rotation_period < MIN_ROTATION:
        raise Invalid(f"rotation_period must be at least {MIN_ROTATION} seconds")


def show_config(ctx: Context, value: Config) -> dict[str, object]:
    """What a read shows: no secret, values from the environment neither; the two delays in nanoseconds (spec 1.2)."""
    return {
        "tenant_id": value.tenant_id,
        "resource": value.resource,
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
