"""The token with which a mount proves to a cloud that it is this mount (spec/azure.md 5.1)."""

from __future__ import annotations

from msgspec import UNSET

from vaultlike.errors import Invalid
from vaultlike.identity.issuer import DEFAULT, PLUGINS, Issuer
from vaultlike.mounts.entry import BUILTIN_SUFFIX, MountEntry
from vaultlike.mounts.namespaces import Namespace
from vaultlike.settings import VERSION

MAX_AUDIENCE = 600  # characters; the clouds take no more
USUAL_TTL = 3600  # seconds


async def identity_token(
    issuer: Issuer, namespace: Namespace, entry: MountEntry, audience: str, ttl: int
) -> tuple[str, int]:
    """A workload identity token of a mount for one audience, and its TTL in seconds.

    `ttl` 0 is an hour; the key's verification_ttl caps it. Raises Invalid for a bad audience or a missing key, and
    Unavailable where the server does not know its public address.
    """
    if not audience or len(audience) > MAX_AUDIENCE or not audience.isprintable():
        raise Invalid(f"the audience of an identity token needs 1 to {MAX_AUDIENCE} printable characters")
    named = entry.config.identity_token_key
    kind = "auth" if entry.auth else "secret"
    claims: dict[str, object] = {
        "iss": await issuer.url(PLUGINS),
        "sub": f"plugin-identity:{namespace.shown_id}:{kind}:{entry.accessor}",
        "aud": [audience],
        "vaultproject.io": {
            "namespace_id": namespace.shown_id,
            "namespace_path": namespace.path,
            "class": kind,
            "plugin": entry.kind,
            "version": entry.config.plugin_version or f"v{VERSION}{BUILTIN_SUFFIX}",
            "path": entry.shown_path,
            "accessor": entry.accessor,
            "local": entry.local,
        },
    }
    key = DEFAULT if named is UNSET or not named else named
    return await issuer.sign(key, claims, ttl if ttl > 0 else USUAL_TTL)
