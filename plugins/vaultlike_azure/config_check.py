"""What a write of the configuration may say: which fields go together, which fall back, when rotation is possible.

Asks nobody but this server: a configuration for an unreachable Azure can be written (spec/azure.md 1.1).
"""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Context
from vaultlike_azure.config import Config
from vaultlike_azure.schedule import parse_schedule
from vaultlike_azure.settings import resolve

AUTH_TYPES = ("", "root_creds", "plugin_wif", "msi", "aks_wi")
MIN_ROTATION = 10  # seconds
RESET = {"root_password_ttl": 15_768_000, "max_retries": 3, "retry_delay": 4, "max_retry_delay": 60}


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
