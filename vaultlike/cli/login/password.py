"""userpass, ldap, radius and okta: a user name in the path and a password in the body."""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.login.call import LoginCall

HELP = """vaultlike login -method=userpass username=alice

  username   the user (required)
  password   the password; asked for when it is missing; password=- reads standard input
  passcode   a second factor where the method takes one (ldap, radius, okta)

The same for -method=ldap, -method=radius and -method=okta."""


def login(call: LoginCall) -> Answer:
    user = call.need("username", "username=NAME")
    password = call.secret("password", "Password")
    return call.post(f"login/{call.segment(user)}", {"password": password, **call.rest()})
