"""How `vaultlike login` speaks to each auth method. One module a way of logging in; imported when it is used.

A module has `HELP` (text for `auth help` and `login -h`) and `login(call) -> Answer`.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """`module` in this package; `summary` names the parameters."""

    module: str
    summary: str


METHODS = {
    "approle": Entry("approle", "role_id=ID [secret_id=ID]"),
    "aws": Entry("aws", "[role=NAME] [region=us-east-1] [header_value=ID]"),
    "azure": Entry("azure", "role=NAME [resource=URI] [vm_name=auto] [jwt=TOKEN]"),
    "cert": Entry("cert", "[name=ROLE], with -client-cert and -client-key"),
    "gcp": Entry("gcp", "role=NAME [jwt=TOKEN] [service_account=default]"),
    "github": Entry("github", "[token=TOKEN]"),
    "jwt": Entry("jwt", "role=NAME jwt=@FILE"),
    "kubernetes": Entry("kubernetes", "role=NAME [jwt=@FILE]"),
    "ldap": Entry("password", "username=NAME [password=TEXT]"),
    "oidc": Entry("oidc", "[role=NAME] [callbackmode=client] [port=8250] [skip_browser=true]"),
    "okta": Entry("password", "username=NAME [password=TEXT]"),
    "radius": Entry("password", "username=NAME [password=TEXT]"),
    "token": Entry("token", "TOKEN"),
    "userpass": Entry("password", "username=NAME [password=TEXT]"),
}
