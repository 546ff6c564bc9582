"""jwt: a signed token of an issuer that the server trusts."""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.login.call import LoginCall

HELP = """vaultlike login -method=jwt role=ci jwt=@token.txt

  role   the role; without it the method's default role
  jwt    the token (required); jwt=@FILE or jwt=- keep it off the command line

For a login with a browser use -method=oidc."""


def login(call: LoginCall) -> Answer:
    jwt = call.need("jwt", "role=NAME jwt=@FILE (for a login with a browser: -method=oidc)").strip()
    role = call.take("role")
    return call.post("login", {**({"role": role} if role else {}), "jwt": jwt, **call.rest()})
