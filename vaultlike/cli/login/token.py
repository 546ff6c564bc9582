"""token: the token itself, checked with lookup-self before it is stored."""

from __future__ import annotations

import json

from vaultlike.cli.answer import Answer
from vaultlike.cli.login.call import LoginCall
from vaultlike.cli.shapes import as_int, as_texts

HELP = """vaultlike login hvs.TOKEN

  Without an argument the token is asked for; `vaultlike login -` reads it from standard input."""


def login(call: LoginCall) -> Answer:
    token = call.secret("token", "Token").strip()
    found = call.client.call("GET", "auth/token/lookup-self", doing="authenticating", token=token)
    data = found.data or {}
    own, identity = as_texts(data.get("policies")), as_texts(data.get("identity_policies"))
    auth = {
        "client_token": token,
        "accessor": data.get("accessor"),
        "policies": sorted({*own, *identity}),
        "token_policies": own,
        "identity_policies": identity or None,
        "metadata": data.get("meta"),
        "lease_duration": as_int(data.get("ttl")),
        "renewable": data.get("renewable") is True,
        "entity_id": data.get("entity_id"),
        "token_type": data.get("type"),
        "orphan": data.get("orphan"),
        "num_uses": as_int(data.get("num_uses")),
    }
    envelope = {"request_id": found.request_id, "lease_id": "", "lease_duration": 0, "renewable": False, "auth": auth}
    return Answer(200, json.dumps(envelope).encode())
