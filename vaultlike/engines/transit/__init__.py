"""The transit engine: encrypts and decrypts for callers who never see the keys.

Built are named keys of type `aes256-gcm96` with versions, encryption, decryption, rewrapping and data keys: what an
automatic seal of another server needs, and applications that encrypt. Signing, HMAC, export, import, derived and
convergent keys are not: their paths answer 501, their options 400.
"""

from __future__ import annotations

from vaultlike.engines.transit.cipher_paths import CipherPaths
from vaultlike.engines.transit.key_paths import KeyPaths
from vaultlike.engines.transit.keys import Keys
from vaultlike.engines.transit.missing_paths import MissingPaths
from vaultlike.sdk import Backend, Context
from vaultlike.sdk.routes import Route, routes_of_function


class Transit(Backend):
    """A mount of type `transit`."""

    kind = "transit"
    summary = "Encrypts and decrypts with named keys that stay here."

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        keys = Keys(ctx.storage, ctx.clock, ctx.random)
        self._parts: tuple[object, ...] = (KeyPaths(keys), CipherPaths(keys, ctx.random), MissingPaths())

    def routes(self) -> list[tuple[Route, object]]:
        """The paths of every part."""
        return [
            (route, part)
            for part in self._parts
            for item in vars(type(part)).values()
            if callable(item)
            for route in routes_of_function(item)
        ]
