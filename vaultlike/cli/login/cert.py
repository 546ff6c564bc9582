"""cert: the client certificate of the TLS connection itself."""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.failures import UsageError
from vaultlike.cli.login.call import LoginCall

HELP = """vaultlike login -method=cert -client-cert=me.pem -client-key=me-key.pem name=web

  name   the role to try; without it all roles are tried"""


def login(call: LoginCall) -> Answer:
    if not call.client.settings.client_cert:
        raise UsageError(
            "a certificate is needed: -client-cert and -client-key, or VAULT_CLIENT_CERT and VAULT_CLIENT_KEY"
        )
    name = call.take("name")
    return call.post("login", {**({"name": name} if name else {}), **call.rest()})
