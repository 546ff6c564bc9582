"""`identity/`: entities, aliases, groups and the tokens that the server issues about them (spec/vault-api.md 6)."""

from vaultlike.builtin.identity.backend import Identity

__all__ = ["Identity"]
