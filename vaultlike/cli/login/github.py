"""github: a personal access token."""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.login.call import LoginCall

HELP = """vaultlike login -method=github token=ghp_...

  token   a personal access token. Default: VAULT_AUTH_GITHUB_TOKEN; asked for when there is none"""


def login(call: LoginCall) -> Answer:
    token = call.take("token") or call.terminal.env("AUTH_GITHUB_TOKEN")
    if not token:
        token = call.secret("token", "GitHub Personal Access Token")
    return call.post("login", {"token": token.strip(), **call.rest()})
