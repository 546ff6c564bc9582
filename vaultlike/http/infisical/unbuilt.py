"""Methods of the second API whose plugins are not built: they say so, in place of an answer that means something else.

With Hanzo KMS turned on, its documentation's sample works as printed: it sends an Azure login to `gcp-auth`
(spec/infisical.md 5).
"""

from __future__ import annotations

from vaultlike.errors import NotBuilt, NotFound, VaultlikeError
from vaultlike.http.infisical import azure_auth
from vaultlike.http.infisical.access_token import Granted
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.infisical.jwt_login import JwtLogin
from vaultlike.http.infisical.settings import hanzo_namespaces

METHODS = frozenset(
    f"{name}-auth" for name in ("kubernetes", "aws", "gcp", "ldap", "tls-cert", "spiffe", "oci", "alicloud")
)


def _refusal(ask: Ask) -> VaultlikeError:
    method = ask.params["method"]
    if method in METHODS:
        return NotBuilt(f"{method} is not built in this server")
    return NotFound(f"There is no method {method[:64]}")


@endpoint("POST", "/v1/auth/{method}/login", open=True)
async def log_in(ask: Ask) -> None:
    """Says that there is no such login."""
    raise _refusal(ask)


@endpoint("POST", "/v1/auth/gcp-auth/login", body=JwtLogin, open=True, fixed={"method": "gcp-auth"})
async def hanzo_sample(ask: Ask, body: JwtLogin) -> Granted:
    """An Azure login where Hanzo KMS is turned on; gcp-auth itself is not built."""
    if ask.settings.namespace not in hanzo_namespaces(ask.server.settings):
        raise _refusal(ask)
    return await azure_auth.login(ask, body)


@endpoint("GET", "/v1/auth/{method}/identities/{identityId}")
@endpoint("POST", "/v1/auth/{method}/identities/{identityId}")
@endpoint("PATCH", "/v1/auth/{method}/identities/{identityId}")
@endpoint("DELETE", "/v1/auth/{method}/identities/{identityId}")
async def configure(ask: Ask) -> None:
    """Says that there is no such method."""
    raise _refusal(ask)
