"""gcp: the identity token of the instance this runs on."""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.login import metadata
from vaultlike.cli.login.call import LoginCall

_HOST = "http://metadata.google.internal"
HELP = """vaultlike login -method=gcp role=dev

  role              the role (required)
  jwt               an identity token. Default: asked from the instance metadata service
  service_account   the instance's service account to ask for. Default: default
  audience          audience to ask for. Default: http://vault/ROLE

GCE_METADATA_HOST names another metadata service."""


def login(call: LoginCall) -> Answer:
    role = call.need("role", "role=NAME")
    account, audience = call.take("service_account", "default"), call.take("audience", f"http://vault/{role}")
    jwt = call.take("jwt") or _identity_token(call, account, audience)
    return call.post("login", {"role": role, "jwt": jwt.strip(), **call.rest()})


def _identity_token(call: LoginCall, account: str, audience: str) -> str:
    host = call.terminal.environ.get("GCE_METADATA_HOST", "")
    return metadata.get(
        f"http://{host}" if host else _HOST,
        f"/computeMetadata/v1/instance/service-accounts/{account}/identity",
        {"audience": audience, "format": "full"},
        {"Metadata-Flavor": "Google"},
        call.terminal.sleep,
        what="the GCP metadata service",
    )
