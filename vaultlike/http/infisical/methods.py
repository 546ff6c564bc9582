"""`/api/v1/auth/<method>/identities/{identity}`: attach, read, update and revoke a method of an identity, the same way
for all of them (spec/infisical.md 2).
"""

from __future__ import annotations

from msgspec import Struct

from vaultlike.builtin.organization.methods.listing import ALL
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint

_ODD = {"alicloud-auth": "identityAliCloudAuth"}


def wrapper(method: str) -> str:
    """The key that an answer about a method is in: `identityAzureAuth`."""
    return _ODD.get(method) or "identity" + "".join(word.capitalize() for word in method.split("-"))


async def attach(ask: Ask, body: Struct) -> object:
    """Lets an identity log in by a method."""
    return {_key(ask): await ask.core("write", _path(ask), body)}


async def read(ask: Ask) -> object:
    """What is attached."""
    return {_key(ask): await ask.core("read", _path(ask))}


async def update(ask: Ask, body: Struct) -> object:
    """Changes what is sent of it."""
    return {_key(ask): await ask.core("patch", _path(ask), body)}


async def revoke(ask: Ask) -> object:
    """Ends a method of an identity, with the access tokens that it gave."""
    return {_key(ask): await ask.core("delete", _path(ask))}


for _method in ALL:
    _where = f"/v1/auth/{_method.name}/identities/{{identity}}"
    _named = {"method": _method.name}
    endpoint("POST", _where, body=_method.fields, fixed=_named)(attach)
    endpoint("GET", _where, fixed=_named)(read)
    endpoint("PATCH", _where, body=_method.update, fixed=_named)(update)
    endpoint("DELETE", _where, fixed=_named)(revoke)


def _key(ask: Ask) -> str:
    return wrapper(ask.params["method"])


def _path(ask: Ask) -> str:
    return f"organization/identities/{ask.params['identity']}/methods/{ask.params['method']}"
