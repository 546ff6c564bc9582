"""`sys/internal/counters/*` and `sys/metrics`: how much there is (spec/vault-api.md 2.9, 2.12). Counts at each call; a
small, honest set: what is not counted is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.clock import rfc3339
from vaultlike.meters import ALL, Meters
from vaultlike.mounts.gauges import Shown
from vaultlike.sdk import Call, Raw, read
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.system.seal import Life, bare

PAGE = 1000
QUOTE = '"'
PROMETHEUS = "text/plain; version=0.0.4"


class MetricsBody(Struct, kw_only=True):
    """How metrics are written."""

    format: Annotated[str, Meta(description="Empty for JSON, or prometheus.")] = ""


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
        shown = [{"Name": one.name, "Value": one.value, "Labels": one.labels} for one in gauges]
        now = rfc3339(self.services.clock.now())
        return bare({"Timestamp": now, "Gauges": shown, "Points": [], **_measured(self._life.meters)})

    async def _gauges(self) -> list[Shown]:
        services = self.services
        mounts = services.router.mounts()
        tokens = await services.engine.count_tokens()
        broken = sum(mount.backend is None for mount in mounts)
        return [
            Shown("vault.core.unsealed", 1, "Whether the server is unsealed."),
            Shown("vault.core.active", 1, "Whether this node serves requests: every unsealed one does."),
            Shown(
                "vault.core.in_flight_requests", len(self._life.under_way), "Requests that this process is answering."
            ),
            Shown("vault.core.mounts.auth", sum(m.entry.auth for m in mounts), "Auth methods."),
            Shown("vault.core.mounts.secret", sum(not m.entry.auth for m in mounts), "Engines."),
            Shown("vault.core.mounts.unavailable", broken, "Mounts whose plugin is unavailable."),
            Shown("vault.token.count", tokens, "Service tokens in the database."),
            Shown("vault.expire.num_leases", tokens, "Leases: every service token is one."),
            Shown("vault.policy.count", len(await services.policies.names()), "ACL policies."),
            *services.gauges.all(),
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


def _prometheus(gauges: list[Shown], meters: Meters) -> bytes:
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
            lines.append(f"{name}{_labels(dict(meter.labels))} {total.count:.17g}")
    by_name: dict[str, list[Shown]] = {}  # the lines of a name must be together
    for one in gauges:
        by_name.setdefault(one.name.replace(".", "_"), []).append(one)
    for name, several in by_name.items():
        lines += [f"# HELP {name} {_escaped(several[0].help)}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(one.labels)} {one.value:.15g}" for one in several]
    return "\n".join([*lines, ""]).encode()


def _labels(labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{name}="{_escaped(value, QUOTE)}"' for name, value in labels.items())
    return f"{{{shown}}}" if shown else ""


def _escaped(text: str, quote: str = "") -> str:
    """As the text format of Prometheus has it: backslash and newline, in a label's value also the quote."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace(quote, f"\\{quote}") if quote else text
