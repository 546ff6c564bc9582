"""kubernetes: the service account token of the pod this runs in."""

from __future__ import annotations

from vaultlike.cli import data
from vaultlike.cli.answer import Answer
from vaultlike.cli.login.call import LoginCall

TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"
HELP = f"""vaultlike login -method=kubernetes role=app

  role   the role (required)
  jwt    the service account's token. Default: {TOKEN_FILE}"""


def login(call: LoginCall) -> Answer:
    role = call.need("role", "role=NAME")
    jwt = call.take("jwt") or data.file_text(TOKEN_FILE)
    return call.post("login", {"role": role, "jwt": jwt.strip(), **call.rest()})
