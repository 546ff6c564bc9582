"""A number that a backend shows to monitoring. The core collects them (`sys/metrics`) and says of which mount it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from vaultlike.sdk.upstream_copy import Health

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", re.ASCII)
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
OWN_LABELS: Final = ("mount", "namespace", "worker")  # the core's
MAX_LABELS: Final = 8
MAX_NAME: Final = 64  # characters
MAX_VALUE: Final = 256  # characters of a label's value; more are cut off


class Gauge(Struct, frozen=True):
    """What a number is now. Shown as `vault.mount.<name>`, with the labels of the mount beside these.

    A label's value is one of a few, all known to the configuration: never what a stranger sends, and never a secret.
    Raises ValueError for a name or labels that monitoring could not take.
    """

    name: str  # words of a-z, 0-9 and _, with dots between them; the unit as the last word of it
    value: float
    help: str
    labels: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > MAX_NAME:
            raise ValueError(f"{self.name!r} is no name of a gauge")
        names = [name for name, _ in self.labels]
        if len(names) > MAX_LABELS or len({*names}) < len(names):
            raise ValueError(f"gauge {self.name}: more than {MAX_LABELS} labels, or one of them twice")
        for name in names:
            if not _LABEL.fullmatch(name) or name in OWN_LABELS:
                raise ValueError(f"gauge {self.name}: {name!r} is no name for a label of a backend")


def health_gauges(publishers: Iterable[Health]) -> list[Gauge]:
    """How the publishers of keys that were asked are doing: one by URL (without its query), the worst with that one."""
    worst: dict[str, Health] = {}
    for one in publishers:
        if not one.fetches:
            continue  # nobody has asked it yet
        source = _shown(one.url)
        known = worst.get(source)
        if known is None or (one.failures, one.age) > (known.failures, known.age):
            worst[source] = one
    found: list[Gauge] = []
    for source, one in worst.items():
        label = ("source", source)
        error = (("error", one.error_kind),) if one.failing else ()
        failing = "Whether the last attempt to fetch failed, and with what kind of error."
        found.append(Gauge("key_source.failing", one.failing, failing, (label, *error)))
        failures = "Attempts to fetch that failed since the last that did not."
        found.append(Gauge("key_source.failures", one.failures, failures, (label,)))
        if one.last_success_at:
            age = "Seconds since what is in use was fetched."
            found.append(Gauge("key_source.age_seconds", one.age, age, (label,)))
        if one.keys or not one.last_success_at:  # a document that was fetched has none, and needs none
            found.append(Gauge("key_source.keys", one.keys, "Keys in use that can verify a token.", (label,)))
    return found


def _shown(url: str) -> str:
    """Where a publisher is, without what may be a secret in it."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:MAX_VALUE]
    except ValueError:
        return ""
