"""The azure method under the conformance suite, with the emulator as its Azure."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from vaultlike.clock import FakeClock
from vaultlike.settings import Settings
from vaultlike.testing.azure import AzureEmulator, Fault, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.conformance import STRANGER, AuthMethodConformance, Scenario

AUDIENCE = "https://management.azure.com/"


class AzureScenario(Scenario):
    kind = "azure"
    secrets = (w.SERVER_CLIENT_SECRET,)
    lossy = frozenset(("retry_delay", "max_retry_delay"))  # read in nanoseconds, as clients expect

    def __init__(self) -> None:
        self._emulator: AzureEmulator

    async def open(self, clock: FakeClock) -> Settings:
        self._emulator = AzureEmulator(clock=clock)
        await self._emulator.start()
        where = self._emulator.addresses
        cloud = {
            "name": "Emulated",
            "active_directory": where.authority,
            "issuer": where.issuer_base,
            "resource_manager": where.resource_manager,
            "graph": where.graph,
            "audience": where.audience,
            "metadata": where.metadata,
            "ca_file": str(self._emulator.ca_file),
        }
        return Settings(stanzas={"azure_cloud": (cloud,)}, api_addr="https://vaultlike.test:8200")

    async def close(self) -> None:
        await self._emulator.stop()

    def setup(self) -> list[tuple[str, dict[str, object]]]:
        config = {
            "tenant_id": w.TENANT_ID,
            "resource": AUDIENCE,
            "environment": "Emulated",
            "client_id": w.SERVER_CLIENT_ID,
            "client_secret": w.SERVER_CLIENT_SECRET,
            "max_retries": -1,
        }
        return [("config", dict(config))]

    def role(self) -> dict[str, object]:
        return {
            "bound_service_principal_ids": [w.UNIFORM_PRINCIPAL_ID],
            "bound_group_ids": [w.GROUP_ID],
            "bound_subscription_ids": [w.SUBSCRIPTION_ID],
            "bound_resource_groups": w.RESOURCE_GROUP,
            "bound_locations": [w.LOCATION],
            "bound_scale_sets": [w.UNIFORM_SCALE_SET],
            "token_policies": ["dev"],
            "token_ttl": 300,
        }

    def login(self, role: str) -> dict[str, object]:
        return self._body(role, TokenOrder(host=w.UNIFORM_SCALE_SET, audience=AUDIENCE, groups=[w.GROUP_ID]))

    def _body(self, role: str, order: TokenOrder) -> dict[str, object]:
        return {
            "role": role,
            "jwt": self._emulator.control.mint(order),
            "subscription_id": w.SUBSCRIPTION_ID,
            "resource_group_name": w.RESOURCE_GROUP,
            "vmss_name": w.UNIFORM_SCALE_SET,
        }

    def forged(self, role: str) -> Mapping[str, dict[str, object]]:
        def order(**changed: object) -> dict[str, object]:
            facts: dict[str, object] = {"host": w.UNIFORM_SCALE_SET, "audience": AUDIENCE, "groups": [w.GROUP_ID]}
            return self._body(role, TokenOrder(**{**facts, **changed}))  # type: ignore[arg-type]

        good = order()
        head, claims, proof = str(good["jwt"]).split(".")
        return {
            "no algorithm": order(alg="none"),
            "public key as a secret": order(alg="HS256"),
            "a key nobody publishes": order(key="stranger"),
            "no kid and a strange key": order(key="stranger", kid=""),
            "expired": order(issued_at=self.start - 90_000, lifetime=3600.0),
            "not yet valid": order(claims={"nbf": self.start + 3600}),
            "no expiry": order(drop=["exp"]),
            "another issuer": order(claims={"iss": "https://sts.windows.net/x/"}),
            "another tenant's issuer": order(claims={"iss": f"https://sts.azure-emulator.test/{STRANGER}/"}),
            "another audience": order(audience="https://graph.microsoft.com"),
            "no oid": order(drop=["oid"]),
            "another machine": self._body(role, TokenOrder(host=w.VM, audience=AUDIENCE, groups=[w.GROUP_ID])),
            "cut short": {**good, "jwt": f"{head}.{claims}."},
            "signature of another": {**good, "jwt": f"{head}.{claims}.{proof[::-1]}"},
            "two parts": {**good, "jwt": f"{head}.{claims}"},
        }

    async def break_upstream(self) -> bool:
        self._emulator.control.fault(Fault(endpoint="arm", status=500, times=-1))
        return True


class TestAzure(AuthMethodConformance):
    @pytest.fixture
    def scenario(self) -> AzureScenario:
        return AzureScenario()
