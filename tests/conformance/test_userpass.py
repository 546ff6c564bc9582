"""The userpass method under the conformance suite: users in place of roles, named by the path of the login."""

from __future__ import annotations

from collections.abc import Mapping

import bcrypt
import pytest

from vaultlike.testing.conformance import AuthMethodConformance, Scenario

ELSEWHERE = "198.51.100.0/24"  # for documentation (RFC 5737)
PASSWORD = "the Password of the suite"
OTHER = "the Password of another user"


def _hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()  # cheap: no test here is about the cost


class UserpassScenario(Scenario):
    kind = "userpass"
    roles = "users/{name}"
    logins = "login/{name}"
    constraints = ("token_bound_cidrs",)
    renewal_checks_bounds = False  # the addresses bind each use of the token, its renewal too
    renewal_checks_policies = True

    def __init__(self) -> None:
        self._hash, self._other = _hashed(PASSWORD), _hashed(OTHER)
        self.secrets = (PASSWORD, self._hash, OTHER, self._other)

    def setup(self) -> list[tuple[str, dict[str, object]]]:
        return [("users/other", {"password_hash": self._other})]

    def role(self) -> dict[str, object]:
        return {
            "password_hash": self._hash,
            "token_bound_cidrs": ["127.0.0.1", "192.0.2.0/24"],
            "token_policies": ["dev"],
            "token_ttl": 300,
        }

    def wide(self, bounds: tuple[str, ...]) -> dict[str, object]:
        return {**super().wide(bounds), "password_hash": ""}

    def login(self, role: str) -> dict[str, object]:
        return {"password": PASSWORD}

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        return {
            "another password": {"password": "guessed"},
            "another user's": {"password": OTHER},
            "no password": {},
            "the hash": {"password": self._hash},
            "capitals": {"password": PASSWORD.upper()},
            "a space more": {"password": PASSWORD + " "},
            "cut short": {"password": PASSWORD[:-1]},
            "something after a NUL": {"password": PASSWORD + "\x00x"},
            "a hash to compare with": {"password": "guessed", "password_hash": _hashed("guessed")},
        }

    def stranger(self, bound: str) -> object:
        return [ELSEWHERE]


class TestUserpass(AuthMethodConformance):
    @pytest.fixture
    def scenario(self) -> UserpassScenario:
        return UserpassScenario()
