"""azure: the managed identity of the machine this runs on (spec/azure.md; instance metadata API 2018-02-01).

The identity token comes from the App Service endpoint when its variables are set, else from the instance metadata
service. Values given as `auto` come from the instance's own description.
"""

from __future__ import annotations

from vaultlike.cli.answer import Answer
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.login import metadata
from vaultlike.cli.login.call import LoginCall
from vaultlike.cli.shapes import Json, as_map, as_text

DEFAULT_RESOURCE = "https://management.azure.com/"
_HOST = "http://169.254.169.254"
_VERSION = "2018-02-01"
_SERVICE = "the Azure instance metadata service"
# Parameters of the login that `auto` takes from the instance's description, and their names there.
_FACTS = {
    "vm_name": "name",
    "vmss_name": "vmScaleSetName",
    "subscription_id": "subscriptionId",
    "resource_group_name": "resourceGroupName",
}
_IDENTITIES = ("client_id", "object_id", "mi_res_id")
HELP = """vaultlike login -method=azure role=dev-role

  role                  the role (required)
  jwt                   an identity token. Default: asked from the machine's managed identity
  resource              audience to ask for; the server's `resource`. Default: https://management.azure.com/
  vm_name               the machine's name, for roles that check it; auto asks the machine
  vmss_name             its scale set's name; auto asks the machine
  subscription_id       auto (and, with vm_name=auto or vmss_name=auto, the default) asks the machine
  resource_group_name   the same
  resource_id           any other Azure resource's id
  client_id, object_id, mi_res_id   which of several user-assigned identities to use
  metadata_address      another metadata service, e.g. an emulator. Default: AZURE_POD_IDENTITY_AUTHORITY_HOST, else
                        http://169.254.169.254

On App Service, Functions and Container Apps IDENTITY_ENDPOINT and IDENTITY_HEADER are used."""


def login(call: LoginCall) -> Answer:
    role = call.need("role", "role=NAME")
    base = call.take("metadata_address") or call.terminal.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _HOST
    base = base.rstrip("/") if "://" in base else f"http://{base.rstrip('/')}"
    resource = call.take("resource") or DEFAULT_RESOURCE
    identity = {name: value for name in _IDENTITIES if (value := call.take(name))}
    if len(identity) > 1:
        raise UsageError(f"give only one of {', '.join(_IDENTITIES)}")
    facts = {name: value for name in _FACTS if (value := call.take(name))}
    jwt = call.take("jwt").strip() or identity_token(call, base, resource, identity)
    body: Json = {"role": role, "jwt": jwt, **_filled(call, base, facts), **call.rest()}
    return call.post("login", body)


def identity_token(call: LoginCall, base: str, resource: str, identity: dict[str, str]) -> str:
    """A fresh token of the managed identity for `resource`. Raises CommandError."""
    endpoint = call.terminal.environ.get("IDENTITY_ENDPOINT", "")
    header = call.terminal.environ.get("IDENTITY_HEADER", "")
    query = {"resource": resource, **identity}
    if endpoint and header:
        headers, what = {"X-IDENTITY-HEADER": header}, "the App Service identity endpoint"
        text = metadata.get(
            endpoint, "", {"api-version": "2019-08-01", **query}, headers, call.terminal.sleep, what=what
        )
    else:
        what, path = _SERVICE, "/metadata/identity/oauth2/token"
        query = {"api-version": _VERSION, **query}
        text = metadata.get(base, path, query, {"Metadata": "true"}, call.terminal.sleep, what=what)
    token = as_text(metadata.as_object(text, what).get("access_token"))
    if not token:
        raise CommandError(f"{what} answered without an access_token")
    return token


def _filled(call: LoginCall, base: str, facts: dict[str, str]) -> dict[str, str]:
    """The facts with every `auto` replaced by what the instance says of itself."""
    if "auto" not in facts.values():
        return facts
    if "auto" in (facts.get("vm_name"), facts.get("vmss_name")):
        facts = {"subscription_id": "auto", "resource_group_name": "auto", **facts}
    query = {"api-version": _VERSION}
    text = metadata.get(base, "/metadata/instance", query, {"Metadata": "true"}, call.terminal.sleep, what=_SERVICE)
    compute = as_map(metadata.as_object(text, _SERVICE).get("compute"))
    filled: dict[str, str] = {}
    for name, value in facts.items():
        filled[name] = as_text(compute.get(_FACTS[name])) if value == "auto" else value
        if not filled[name]:
            raise CommandError(f"{name}=auto: this machine's description has no {_FACTS[name]}")
    return filled
