"""`sys/internal/counters/*` and `sys/metrics`: how much there is (spec/vault-api.md 2.9, 2.12). Counts at each call; a
small, honest set: what is not counted is not shown.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.clock import rfc3339
from vaultlike.meters import ALL, Meters
from vaultlike.sdk import Call, Raw, read
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.system.seal import Life, bare

PAGE = 1000
PROMETHEUS = "text/plain; version=0.0.4"


class MetricsBody(Struct, kw_only=True):
    """How metrics are written."""

    format: Annotated[str, Meta(description="Empty for JSON, or prometheus.")] = ""


class Gauge(Struct, frozen=True):
    """One number with its name and its help text."""

    name: str
    value: float
    help: str


class Counters(Part):
    """Counts of what there is."""

    def __init__(self, services: Services, life: Life) -> None:
        super().__init__(services)
        self._life = life

    @read("internal/counters/tokens")
    async def tokens(self, call: Call) -> dict[str, object]:
        """Counts the service tokens."""
        return {"counters": {"service_tokens": {"total": await self.services.engine.count_tokens()}}}

    @read("internal/counters/entities")
    async def entities(self, call: Call) -> dict[str, object]:
        """Counts the entities."""
        return {"counters": {"entities": {"total": await self._entities()}}}

    @read("metrics")
    async def metrics(self, call: Call, body: MetricsBody) -> Raw:
        """Shows counts for monitoring."""
        accept = call.headers.get("Accept", "")
        form = body.format or ("prometheus" if "openmetrics-text" in accept or "version=0.0.4" in accept else "json")
        if form not in ("json", "prometheus"):
            text = f'metric response format "{body.format[:64]}" unknown'
            return Raw(body=text.encode(), content_type="text/plain", status=400)
        gauges = await self._gauges()
        if form == "prometheus":
            return Raw(body=_prometheus(gauges, self._life.meters), content_type=PROMETHEUS)
        shown = [{"Name": one.name, "Value": one.value, "Labels": {}} for one in gauges]
        now = rfc3339(self.services.clock.now())
        return bare({"Timestamp": now, "Gauges": shown, "Points": [], **_measured(self._life.meters)})

    async def _gauges(self) -> list[Gauge]:
        services = self.services
        mounts = services.router.mounts()
        tokens = await services.engine.count_tokens()
        broken = sum(mount.backend is None for mount in mounts)
        return [
            Gauge("vault.core.unsealed", 1, "Whether the server is unsealed."),
            Gauge("vault.core.active", 1, "Whether this node serves requests: every unsealed one does."),
            Gauge(
                "vault.core.in_flight_requests", len(self._life.under_way), "Requests that this process is answering."
            ),
            Gauge("vault.core.mounts.auth", sum(m.entry.auth for m in mounts), "Auth methods."),
            Gauge("vault.core.mounts.secret", sum(not m.entry.auth for m in mounts), "Engines."),
            Gauge("vault.core.mounts.unavailable", broken, "Mounts whose plugin is unavailable."),
            Gauge("vault.token.count", tokens, "Service tokens in the database."),
            Gauge("vault.expire.num_leases", tokens, "Leases: every service token is one."),
            Gauge("vault.policy.count", len(await services.policies.names()), "ACL policies."),
        ]

    async def _entities(self) -> int:
        count, namespaces = 0, self.services.namespaces
        for namespace in (self.services.namespace, *namespaces.below(self.services.namespace)):
            after = ""
            while page := await self.services.engine.entities(namespace.id, after, PAGE):
                count, after = count + len(page), page[-1].id
        return count


def _measured(meters: Meters) -> dict[str, object]:
    """`Counters` and `Samples`: those that were timed are samples. Since the server's start, not for an interval."""
    shown: dict[str, list[object]] = {"Counters": [], "Samples": []}
    for meter in ALL:
        total = meters.total(meter)
        facts = {
            "Name": meter.name,
            "Count": int(total.count),
            "Sum": total.sum if meter.unit else total.count,
            "Max": total.most if meter.unit else min(total.count, 1),
            "Mean": total.sum / total.count if meter.unit and total.count else min(total.count, 1),
            "Labels": dict(meter.labels),
        }
        shown["Samples" if meter.unit else "Counters"].append(facts)
    return dict(shown)


def _prometheus(gauges: list[Gauge], meters: Meters) -> bytes:
    lines = []
    told = ""
    for meter in ALL:
        name, total = meter.name.replace(".", "_"), meters.total(meter)
        if name != told:
            lines += [f"# HELP {name} {meter.help}", f"# TYPE {name} {'summary' if meter.unit else 'counter'}"]
            told = name
        if meter.unit:
            lines += [f"{name}_sum {total.sum:.17g}", f"{name}_count {total.count:.17g}"]
        else:
            labels = ",".join(f'{key}="{value}"' for key, value in meter.labels)
            lines.append(f"{name}{{{labels}}} {total.count:.17g}" if labels else f"{name} {total.count:.17g}")
    for one in gauges:
        name = one.name.replace(".", "_")
        lines += [f"# HELP {name} {one.help}", f"# TYPE {name} gauge", f"{name} {one.value:g}"]
    return "\n".join([*lines, ""]).encode()
