"""The jwt and oidc methods under the conformance suite, with an OpenID provider over a real socket as their issuer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.plugins.jwt.provider import SECRET, Provider, Signer
from vaultlike.clock import FakeClock
from vaultlike.settings import Settings
from vaultlike.testing.conformance import STRANGER, AuthMethodConformance, Scenario


class JwtScenario(Scenario):
    kind = "jwt"
    secrets = (SECRET,)
    tells_why = True
    # A config write replaces everything, and the client's secret is never read: what is read back is no client.
    lossy = frozenset(("oidc_client_id", "key_sources"))
    renewal_checks_bounds = False  # the reference's jwt renews while the role is there

    def __init__(self) -> None:
        self._provider: Provider
        self._clock: FakeClock

    async def open(self, clock: FakeClock) -> Settings:
        self._clock, self._provider = clock, Provider(clock.now)
        await self._provider.start()
        return Settings()

    async def close(self) -> None:
        await self._provider.stop()

    def setup(self) -> list[tuple[str, dict[str, object]]]:
        return [("config", self._provider.config(bound_issuer=self._provider.url))]

    def role(self) -> dict[str, object]:
        return {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": ["vault", "other"],
            "bound_subject": "alice",
            "bound_claims": {"ref": "refs/heads/*", "env": ["prod", "stage"]},
            "bound_claims_type": "glob",
            "claim_mappings": {"env": "environment"},
            "groups_claim": "groups",
            "token_policies": ["dev"],
            "token_ttl": 300,
        }

    def stranger(self, bound: str) -> object:
        values = {"bound_subject": STRANGER, "bound_claims": {"env": STRANGER}, "bound_claims_type": "string"}
        return values.get(bound, [STRANGER])

    def _claims(self, **more: Any) -> dict[str, Any]:
        now = self._clock.now()
        facts = {"iss": self._provider.url, "sub": "alice", "aud": "vault", "iat": now, "exp": now + 300}
        facts |= {"ref": "refs/heads/main", "env": "prod", "groups": ["ops"]}
        return {name: value for name, value in {**facts, **more}.items() if value is not ...}

    def _body(self, role: str, signer: Signer | None = None, **more: Any) -> dict[str, object]:
        return {"role": role, "jwt": (signer or self._provider.keys[0]).sign(self._claims(**more), kid=True)}

    def login(self, role: str) -> dict[str, object]:
        return self._body(role)

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        good = self._body(role)
        head, claims, proof = str(good["jwt"]).split(".")
        now = self._clock.now()
        return {
            "a key nobody publishes": self._body(role, Signer("stranger")),
            "another key under a known id": self._body(role, Signer(self._provider.keys[0].kid)),
            "expired": self._body(role, exp=now - 61),
            "not yet valid": self._body(role, nbf=now + 3600),
            "no times": self._body(role, iat=..., exp=...),
            "another issuer": self._body(role, iss="https://evil.test"),
            "another audience": self._body(role, aud="vaults"),
            "no user": self._body(role, sub=...),
            "cut short": {**good, "jwt": f"{head}.{claims}."},
            "signature of another": {**good, "jwt": f"{head}.{claims}.{proof[::-1]}"},
            "two parts": {**good, "jwt": f"{head}.{claims}"},
        }

    async def break_upstream(self) -> bool:
        self._provider.down = True
        return True


class OidcScenario(JwtScenario):
    kind = "oidc"


class TestJwt(AuthMethodConformance):
    @pytest.fixture
    def scenario(self) -> JwtScenario:
        return JwtScenario()


class TestOidc(AuthMethodConformance):
    @pytest.fixture
    def scenario(self) -> OidcScenario:
        return OidcScenario()
