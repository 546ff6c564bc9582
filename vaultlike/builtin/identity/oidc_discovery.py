"""The public description of both issuers, of identity tokens and of mounts: raw JSON, no token, cacheable."""

from __future__ import annotations

import msgspec

from vaultlike.builtin.identity.part import Part
from vaultlike.identity.issuer import OIDC, PLUGINS
from vaultlike.identity.keys import ALGORITHMS
from vaultlike.sdk import Call, Raw, read

MAX_AGE = 3600  # seconds that a discovery document can be cached
CONFIGURATION = ".well-known/openid-configuration"
KEYS = ".well-known/keys"


class DiscoveryPaths(Part):
    """Discovery documents and key sets."""

    @read(f"oidc/{CONFIGURATION}", open=True)
    async def configuration(self, call: Call) -> Raw:
        """Describes the issuer of identity tokens."""
        return await self._describe(OIDC)

    @read(f"oidc/plugins/{CONFIGURATION}", open=True)
    async def plugin_configuration(self, call: Call) -> Raw:
        """Describes the issuer of the mounts' own tokens."""
        return await self._describe(PLUGINS)

    @read(f"oidc/{KEYS}", open=True)
    async def keys(self, call: Call) -> Raw:
        """The public keys of identity tokens."""
        return await self._key_set()

    @read(f"oidc/plugins/{KEYS}", open=True)
    async def plugin_keys(self, call: Call) -> Raw:
        """The public keys of the mounts' own tokens."""
        return await self._key_set()

    async def _describe(self, path: str) -> Raw:
        url = await self._core.issuer.url(path)
        document = {
            "issuer": url,
            "jwks_uri": f"{url}/{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ALGORITHMS,
        }
        return Raw(body=msgspec.json.encode(document), headers=(("Cache-Control", f"max-age={MAX_AGE}"),))

    async def _key_set(self) -> Raw:
        found, seconds = await self._core.issuer.key_set()
        headers = (("Cache-Control", f"max-age={min(seconds, MAX_AGE)}"),) if seconds else ()
        return Raw(body=msgspec.json.encode({"keys": found}), headers=headers)
