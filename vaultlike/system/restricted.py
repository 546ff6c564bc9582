"""Which of `sys/*` concerns the whole server and is answered in the root namespace alone (spec/vault-api.md 1.3).

`health`, `seal-status` and `leader` answer everywhere: clients ask them whatever namespace they are set to.
"""

from __future__ import annotations

from vaultlike.errors import Invalid

RAW = (
    "init", "seal", "unseal", "step-down", "generate-root", "generate-root-token", "generate-recovery-token",
    "decode-token", "rekey", "rekey-recovery-key", "metrics", "monitor", "pprof", "in-flight-req", "host-info",
)  # fmt: skip
ROUTED = (
    "audit", "audit-hash", "config", "experiments", "explain", "ha-status", "internal/counters", "internal/inspect",
    "key-status", "loggers", "managed-keys", "plugins", "quotas", "raw", "replication", "rotate", "sealwrap",
    "storage", "sync", "version-history",
)  # fmt: skip


def restrict(path: str, verb: str) -> None:
    """Raises Invalid for a path that is not answered in a namespace other than the root one.

    What plugins there are may be read everywhere.
    """
    if not path.startswith("sys/"):
        return
    first, _, rest = path[4:].partition("/")
    second = f"{first}/{rest.partition('/')[0]}"
    if first in _RAW:
        raise Invalid("operation unavailable in namespaces")
    if first == "plugins" and verb in ("read", "list", "scan"):
        return
    if first in _ROUTED or second in _ROUTED:
        raise Invalid("operation only available in root namespace")


_RAW, _ROUTED = frozenset(RAW), frozenset(ROUTED)
