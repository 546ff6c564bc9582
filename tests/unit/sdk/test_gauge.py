"""Numbers of a backend, and those that tell how publishers of keys are doing."""

from __future__ import annotations

import pytest

from vaultlike.sdk.gauge import Gauge, health_gauges
from vaultlike.sdk.upstream_copy import Health


@pytest.mark.parametrize("name", ["", "A", "a.", ".a", "a b", "a-b", "1a", "a\n", "ä", "x" * 65])
def test_names_that_monitoring_cannot_take(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a gauge"):
        Gauge(name, 1, "")


@pytest.mark.parametrize("label", ["", "A", "a.b", "mount", "namespace", "worker", 'a"', "x" * 33])
def test_labels_that_monitoring_cannot_take(label: str) -> None:
    with pytest.raises(ValueError, match="no name for a label"):
        Gauge("a", 1, "", ((label, "x"),))


def test_too_many_labels_or_doubles() -> None:
    for names in (("a", "a"), tuple("abcdefghi")):
        with pytest.raises(ValueError, match="labels"):
            Gauge("a", 1, "", tuple((name, "x") for name in names))


def shown(*publishers: Health) -> dict[str, tuple[float, dict[str, str]]]:
    return {one.name: (one.value, dict(one.labels)) for one in health_gauges(publishers)}


def test_nobody_was_asked_yet() -> None:
    assert shown(Health(url="https://a.test/jwks")) == {}


def test_never_reached() -> None:
    down = Health(url="https://a.test/jwks", fetches=2, failures=2, failing=True, error_kind="TimedOut", last_error="x")
    source = {"source": "https://a.test/jwks"}
    assert shown(down) == {
        "key_source.failing": (1, {**source, "error": "TimedOut"}),
        "key_source.failures": (2, source),
        "key_source.keys": (0, source),
    }


def test_fine_again() -> None:
    fine = Health(url="https://a.test/k", fetches=3, last_success_at=5, age=7.5, keys=2, error_kind="TimedOut")
    source = {"source": "https://a.test/k"}
    assert shown(fine) == {
        "key_source.failing": (0, source),
        "key_source.failures": (0, source),
        "key_source.age_seconds": (7.5, source),
        "key_source.keys": (2, source),
    }


def test_a_document_has_no_keys() -> None:
    assert "key_source.keys" not in shown(Health(url="https://a.test/d", fetches=1, last_success_at=5))


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    for url in ("https://u:hidden@a.test:1/p?key=hidden#hidden", "https://[hidden", "https://a.test/" + "x" * 5000):
        for one in health_gauges([Health(url=url, fetches=1)]):
            told = dict(one.labels)["source"]
            assert "hidden" not in told and len(told) <= 256


def test_of_two_with_one_address_the_worse_is_shown() -> None:
    good = Health(url="https://a.test/k?1", fetches=1, last_success_at=5, age=9, keys=1)
    bad = Health(url="https://a.test/k?2", fetches=1, last_success_at=5, age=1, keys=1, failures=3)
    for pair in ((good, bad), (bad, good)):
        assert len(health_gauges(pair)) == 4
        assert shown(*pair)["key_source.failures"][0] == 3
