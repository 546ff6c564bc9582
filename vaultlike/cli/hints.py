"""What to do next: one sentence for each failure with a known way out. Never raises, never hides the failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultlike.cli.failures import ApiError, CommandError, NothingFound, TransportError
from vaultlike.cli.options import DEFAULT_ADDRESS
from vaultlike.cli.shapes import as_map, as_text

if TYPE_CHECKING:
    from vaultlike.cli.client import Client
    from vaultlike.cli.session import Session

_PATH_COMMANDS = frozenset(("read", "list"))  # their argument is a path of the API
_OWN_ROOTS = ("auth/", "sys/", "identity/", "cubbyhole/")


def of(failure: CommandError, session: Session) -> str:
    """A hint for the failure, or an empty text."""
    if isinstance(failure, TransportError):
        return _transport(failure)
    if isinstance(failure, ApiError):
        return _api(failure, session)
    if isinstance(failure, NothingFound) and session.name in _PATH_COMMANDS:
        return _missing_prefix(session.args[0], session)
    return ""


def _transport(failure: TransportError) -> str:
    address = failure.address
    plain = address.replace("https://", "http://", 1)
    if failure.kind == "refused":
        default = (
            " That is the default address: no VAULT_ADDR or -address was given." if address == DEFAULT_ADDRESS else ""
        )
        return (
            f"is the server running, and at {address}?{default}\n"
            f"  start one to try things:  vaultlike server -dev\n"
            f"  or name another address:  export VAULT_ADDR=http://127.0.0.1:8200"
        )
    if failure.kind == "plain_server":
        return f"the server at {address} speaks plain HTTP, not TLS:  export VAULT_ADDR={plain}"
    if failure.kind == "tls_server":
        return f"does this server expect TLS? Then:  export VAULT_ADDR={address.replace('http://', 'https://', 1)}"
    if failure.kind == "certificate":
        return (
            "name the CA that signed it:  export VAULT_CACERT=/path/to/ca.pem\n"
            "  (-tls-server-name if the name differs; VAULT_SKIP_VERIFY=true only where nothing matters)"
        )
    if failure.kind in ("unresolved", "timeout"):
        return "check VAULT_ADDR (or -address) and the network; VAULT_CLIENT_TIMEOUT sets how long to wait"
    return ""


def _api(failure: ApiError, session: Session) -> str:
    text = " ".join(failure.errors).lower()
    if "http request to an https server" in failure.raw.lower() + text:
        secure = session.client.settings.address.replace("http://", "https://", 1)
        return f"this server expects TLS:  export VAULT_ADDR={secure}"
    if "not initialized" in text:
        return "the server was never initialized:  vaultlike operator init"
    if failure.status == 503 and "sealed" in text:
        return _sealed(session)
    if "plugin not found in the catalog" in text:
        return "`vaultlike plugin list auth` and `vaultlike plugin list secret` show what this server has"
    if failure.status == 400 and "missing client token" in text:
        return _no_token()
    if failure.status in (400, 401, 403) and _is_login(failure.path):
        return _refused_login(failure)
    if failure.status == 403:
        if not failure.with_token:
            return _missing_prefix(failure.path, session) or _no_token()
        found = _missing_prefix(failure.path, session)
        return found or _denied(failure)
    if failure.status == 404:
        return _missing_prefix(failure.path, session)
    return ""


def _no_token() -> str:
    return "no token was sent: log in with `vaultlike login`, or set VAULT_TOKEN"


def _denied(failure: ApiError) -> str:
    asked = f" (request {failure.request_id})" if failure.request_id else ""
    return (
        f"the token is not valid any more, or its policies do not allow this{asked}:\n"
        f"  vaultlike token lookup\n  vaultlike token capabilities {failure.path}"
    )


def _is_login(path: str) -> bool:
    parts = path.strip("/").split("/")
    return len(parts) > 2 and parts[0] == "auth" and "login" in parts[2:]


def _refused_login(failure: ApiError) -> str:
    if failure.request_id:
        return f"an operator can see why this login was refused:  vaultlike explain {failure.request_id}"
    return "is the auth method enabled at that path, and does the role exist?  vaultlike auth list"


def _sealed(session: Session) -> str:
    """Sealed and never initialized look alike from outside; ask which it is."""
    try:
        status = _asker(session).call("GET", "sys/seal-status", token="", preview=False).body
    except CommandError:
        status = {}
    if status.get("initialized") is False:
        return "the server was never initialized:  vaultlike operator init"
    return "the server is sealed:  vaultlike operator unseal  (once for each key that is needed)"


def _missing_prefix(path: str, session: Session) -> str:
    """`azure/config` where `auth/azure/config` was meant: known by the mounts that the caller can see."""
    path = path.strip("/")
    if not path or path.startswith(_OWN_ROOTS):
        return ""
    try:
        listed = _asker(session).call("GET", "sys/internal/ui/mounts", preview=False).content
    except CommandError:
        listed = {}
    mounts = [name for name in as_map(listed.get("auth")) if (path + "/").startswith(name)]
    engines = [name for name in as_map(listed.get("secret")) if (path + "/").startswith(name)]
    if mounts and not engines:
        return f"did you mean auth/{path}?"
    from vaultlike.cli.login import METHODS

    first, _, rest = path.partition("/")
    if engines or not rest or first not in METHODS:
        return ""
    of_kind = [
        name for name, mount in as_map(listed.get("auth")).items() if as_text(as_map(mount).get("type")) == first
    ]
    if of_kind:
        return f"did you mean auth/{of_kind[0]}{rest}?"
    return f"did you mean auth/{path}? (auth methods live below auth/;  vaultlike auth enable {first})"


def _asker(session: Session) -> Client:
    """A client for one quick question: no retries, no wrapping, a short wait."""
    own = session.client.settings
    return session.client.with_settings(own._replace(timeout=min(own.timeout, 3.0), retries=0, wrap_ttl="", preview=""))
