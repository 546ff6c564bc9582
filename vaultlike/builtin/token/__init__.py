"""`auth/token`: create, look up, renew and revoke tokens (spec/vault-api.md 3)."""

from vaultlike.builtin.token.backend import TokenBackend

__all__ = ["TokenBackend"]
