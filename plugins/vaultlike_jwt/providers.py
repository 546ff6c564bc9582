"""What differs between kinds of providers (`provider_config`): where a user's groups are when the claim is not a list.

Built: azure (groups from Microsoft Graph when there are too many for a token), secureauth and ibmisam (groups as one
text). Others that the reference knows are refused by name, so that nobody believes them to be at work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vaultlike.errors import Invalid

PROVIDERS: Final = ("azure", "secureauth", "ibmisam")
NOT_BUILT: Final = ("gsuite", "kubernetes", "okta")
SECRETS: Final = ("gsuite_service_account", "api_token", "client_secret")


def check_provider(config: Mapping[str, object]) -> None:
    """Raises Invalid for a provider that is not known or not built, and for one that is not named."""
    if not config:
        return
    name = config.get("provider")
    if "provider" not in config:
        raise Invalid("invalid provider_config: 'provider' field not found in provider_config")
    if not isinstance(name, str):
        raise Invalid("invalid provider_config: 'provider' field must be a string")
    if name in NOT_BUILT:
        raise Invalid(f'invalid provider_config: provider "{name}" is not built into this server')
    if name not in PROVIDERS:
        raise Invalid(f'invalid provider_config: provider "{name[:64]}" not found in custom providers')


def shown_provider(config: Mapping[str, object]) -> dict[str, object]:
    """The settings without their secrets."""
    return {name: value for name, value in config.items() if name not in SECRETS}


def split_groups(config: Mapping[str, object], groups: object) -> object:
    """The groups claim as a list, where the provider sends one text for all."""
    separator = {"secureauth": ",", "ibmisam": " "}.get(str(config.get("provider", "")))
    return groups.split(separator) if separator and isinstance(groups, str) else groups
