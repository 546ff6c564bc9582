"""`/api/v3/secrets/raw`, `/api/v3/secrets/batch/raw` and `/api/v4/secrets`: the same secrets, old and new names."""

from __future__ import annotations

from vaultlike.builtin.organization.secrets.wire import (
    Location,
    NewSecret,
    NewSecrets,
    SecretChange,
    SecretChanges,
    SecretNames,
    SecretQuery,
    SecretsQuery,
)
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.conditional import conditional
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.message import Outgoing

ONE, ONE_V4 = "/v3/secrets/raw/{name}", "/v4/secrets/{name}"
BATCH, BATCH_V4 = "/v3/secrets/batch/raw", "/v4/secrets/batch"
_SECRET, _BATCH = "organization/secrets/", "organization/secrets-batch"


@endpoint("GET", "/v3/secrets/raw", query=SecretsQuery)
@endpoint("GET", "/v4/secrets", query=SecretsQuery)
async def list_secrets(ask: Ask, query: SecretsQuery) -> Outgoing:
    """The secrets of a folder, and what it imports where that is asked for."""
    return conditional(ask, await ask.core("read", "organization/secrets", query))


@endpoint("GET", ONE, query=SecretQuery)
@endpoint("GET", ONE_V4, query=SecretQuery)
async def read_secret(ask: Ask, query: SecretQuery) -> Outgoing:
    """One secret."""
    return conditional(ask, {"secret": await ask.core("read", _SECRET + ask.params["name"], query)})


@endpoint("POST", ONE, body=NewSecret)
@endpoint("POST", ONE_V4, body=NewSecret)
async def create_secret(ask: Ask, body: NewSecret) -> object:
    """Makes a secret."""
    return {"secret": await ask.core("write", _SECRET + ask.params["name"], body)}


@endpoint("PATCH", ONE, body=SecretChange)
@endpoint("PATCH", ONE_V4, body=SecretChange)
async def update_secret(ask: Ask, body: SecretChange) -> object:
    """Changes a secret."""
    return {"secret": await ask.core("patch", _SECRET + ask.params["name"], body)}


@endpoint("DELETE", ONE, body=Location)
@endpoint("DELETE", ONE_V4, body=Location)
async def delete_secret(ask: Ask, body: Location) -> object:
    """Deletes a secret; the body says where it is."""
    return {"secret": await ask.core("delete", _SECRET + ask.params["name"], body)}


@endpoint("POST", BATCH, body=NewSecrets)
@endpoint("POST", BATCH_V4, body=NewSecrets)
async def create_secrets(ask: Ask, body: NewSecrets) -> object:
    """Makes several secrets, all or none."""
    return await ask.core("write", _BATCH, body)


@endpoint("PATCH", BATCH, body=SecretChanges)
@endpoint("PATCH", BATCH_V4, body=SecretChanges)
async def update_secrets(ask: Ask, body: SecretChanges) -> object:
    """Changes several secrets, all or none."""
    return await ask.core("patch", _BATCH, body)


@endpoint("DELETE", BATCH, body=SecretNames)
@endpoint("DELETE", BATCH_V4, body=SecretNames)
async def delete_secrets(ask: Ask, body: SecretNames) -> object:
    """Deletes several secrets, all or none."""
    return await ask.core("delete", _BATCH, body)
