"""JWT and OpenID Connect: machines log in with a signed token, people with their browser (spec/auth-methods.md 2)."""

from __future__ import annotations

from vaultlike_jwt.backend import Jwt, Oidc

__all__ = ["Jwt", "Oidc"]
