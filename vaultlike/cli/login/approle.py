"""approle: a role id and, unless the role needs none, a secret id."""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.login.call import LoginCall

HELP = """vaultlike login -method=approle role_id=ROLE_ID secret_id=@secret-id.txt

  role_id     the role's id (required)
  secret_id   a secret id; secret_id=@FILE keeps it off the command line"""


def login(call: LoginCall) -> Answer:
    role = call.need("role_id", "role_id=ID secret_id=ID")
    secret = call.take("secret_id")
    given = {"secret_id": secret.strip()} if secret else {}
    return call.post("login", {"role_id": role.strip(), **given, **call.rest()})
