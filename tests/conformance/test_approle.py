"""The approle method under the conformance suite: each secret id logs in once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from vaultlike.testing.conformance import AuthMethodConformance, Scenario

ELSEWHERE = "198.51.100.0/24"  # for documentation (RFC 5737)
ROLE_ID = "the-machine-of-the-suite"
OTHER_ID, OTHER_SECRET = "another-machine-of-the-suite", "the secret id of another role"
LIFE = 600  # seconds that a secret id is good for
PLENTY = 96  # secret ids: more than any test logs in with


class ApproleScenario(Scenario):
    kind = "approle"
    secrets = (OTHER_SECRET,)
    lossy = frozenset(("local_secret_ids",))  # can be written only with a new role
    constraints = ("secret_id_bound_cidrs",)
    single_use = True
    tells_why = True
    addresses_at_use = True
    renewal_checks_bounds = False  # the reference's renews while the role is there

    def __init__(self) -> None:
        self._unused = iter(self._secret_ids())

    def _secret_ids(self) -> list[str]:
        return [f"a secret id that works once, number {number}" for number in range(PLENTY)]

    def role(self) -> dict[str, object]:
        return {
            "role_id": ROLE_ID,
            "secret_id_bound_cidrs": ["127.0.0.0/8"],
            "secret_id_num_uses": 1,
            "secret_id_ttl": LIFE,
            "token_policies": ["dev"],
            "token_ttl": 300,
        }

    def wide(self, bounds: tuple[str, ...]) -> dict[str, object]:
        return {**super().wide(bounds), "role_id": "wide", "bind_secret_id": False}

    def credentials(self, role: str) -> list[tuple[str, dict[str, object]]]:
        writes = [(f"role/{role}/custom-secret-id", self._secret(text)) for text in self._secret_ids()]
        writes.append(("role/other", {**self.role(), "role_id": OTHER_ID}))
        writes.append(("role/other/custom-secret-id", self._secret(OTHER_SECRET)))
        return writes

    def _secret(self, text: str) -> dict[str, object]:
        return {"secret_id": text}

    def login(self, role: str) -> dict[str, object]:
        return {"role_id": ROLE_ID, "secret_id": next(self._unused)}

    def lasting(self, role: str) -> tuple[dict[str, object], int]:
        return self.login(role), LIFE

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        good = self.login(role)
        return {
            "another secret id": {**good, "secret_id": "guessed"},
            "no secret id": {"role_id": ROLE_ID},
            "a secret id of another role": {**good, "secret_id": OTHER_SECRET},
            "another role's id": {**good, "role_id": OTHER_ID},
            "nobody's role id": {**good, "role_id": "guessed"},
            "the role's name": {**good, "role_id": role},
            "capitals": {**good, "secret_id": str(good["secret_id"]).upper()},
            "cut short": {**good, "secret_id": str(good["secret_id"])[:-1]},
            "the two exchanged": {"role_id": good["secret_id"], "secret_id": ROLE_ID},
        }

    def stranger(self, bound: str) -> object:
        return [ELSEWHERE]


class TestApprole(AuthMethodConformance):
    @pytest.fixture
    def scenario(self) -> ApproleScenario:
        return ApproleScenario()
