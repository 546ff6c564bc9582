"""`make bench`: every target of the request path beside a bare aiohttp handler, and what the second API does beside its
twin at `/v1`, measured in turn in one run.

    python -m tests.bench [-seconds=5] [-rounds=3] [-logins=100000] [-audit] [-twins]

`-twins`: the second API alone.

Ratios travel between machines, absolute figures do not.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.load import Result, Shot, fire
from tests.bench.subject import ROOT, Subject

GOALS = {
    "lookup-self": 0.25,
    "kv v2 read": 0.2,
    "azure login": 0.1,
    "renew": 0.1,
    "refused login (role)": 0.2,
    "refused login (signature)": 0.2,
}
TWINS = {  # what the second API does, and the same at /v1
    "universal-auth login": "approle login",
    "azure-auth login": "azure login",
    "secret read at /api": "kv v2 read, project",
    "the same, /api, identity": "the same, /v1, identity",
}
OF_TWIN = 0.9
PORT = 18200


def targets(subject: Subject) -> dict[str, list[Shot]]:
    """What is measured, by name."""
    login, tokens = "/v1/auth/azure/login", subject.tokens
    return {
        "lookup-self": [Shot("GET", "/v1/auth/token/lookup-self", token) for token in tokens],
        "kv v2 read": [Shot("GET", "/v1/secret/data/creds", token) for token in tokens],
        "kv v2 read, project": [Shot("GET", subject.secret_v1, token) for token in tokens],
        "secret read at /api": [Shot("GET", subject.secret_api, token) for token in tokens],
        "the same, /v1, identity": [Shot("GET", subject.secret_v1, token) for token in subject.access_tokens],
        "the same, /api, identity": [Shot("GET", subject.secret_api, token) for token in subject.access_tokens],
        "renew": [Shot("POST", "/v1/auth/token/renew-self", token, {}) for token in tokens],
        "token create": [Shot("POST", "/v1/auth/token/create", token, {"ttl": "1h"}) for token in tokens],
        "azure login": [Shot("POST", login, body={"role": "bench", "jwt": subject.good_jwt})],
        "refused login (signature)": [Shot("POST", login, body={"role": "bench", "jwt": subject.bad_jwt})],
        "refused login (role)": [Shot("POST", login, body={"role": "other", "jwt": subject.good_jwt})],
        "approle login": [Shot("POST", "/v1/auth/approle/login", body=subject.approle)],
        "universal-auth login": [Shot("POST", "/api/v1/auth/universal-auth/login", body=subject.universal)],
        "azure-auth login": [Shot("POST", "/api/v1/auth/azure-auth/login", body=subject.azure)],
    }


def measure(subject: Subject, seconds: int, rounds: int) -> None:
    """Prints one row a target: medians over the rounds, each beside a bare run of its own."""
    bare_url = f"http://127.0.0.1:{PORT + 1}"
    bare = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(PORT + 1)], cwd=ROOT)
    time.sleep(1.0)
    try:
        print(f"{'target':28} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'of bare':>8} {'goal':>6} {'refused':>8}")
        for name, shots in targets(subject).items():
            if name in TWINS:
                continue
            pairs: list[tuple[Result, Result]] = []
            for _ in range(rounds):
                pairs.append(
                    (fire(bare_url, [Shot("GET", "/")], max(2, seconds // 2)), fire(subject.url, shots, seconds))
                )
            ratio = statistics.median(ours.rate / base.rate for base, ours in pairs)
            rate, p50, p99 = (
                statistics.median(getattr(ours, key) for _, ours in pairs) for key in ("rate", "p50", "p99")
            )
            refused = sum(ours.refused for _, ours in pairs) / sum(ours.requests for _, ours in pairs)
            goal = f"{GOALS[name]:.2f}" if name in GOALS else ""
            print(f"{name:28} {rate:8.0f} {p50:8.1f} {p99:8.1f} {ratio:8.3f} {goal:>6} {refused:8.0%}", flush=True)
        base = statistics.median(base.rate for base, _ in pairs)
        print(f"{'bare handler':28} {base:8.0f}")
    finally:
        bare.terminate()
        bare.wait()


def compare(subject: Subject, seconds: int, rounds: int) -> None:
    """Prints one row for what the second API does: medians over the rounds, each beside a run of its twin."""
    known = targets(subject)
    print(f"{'second API':28} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'of twin':>8} {'goal':>6} {'refused':>8}")
    for name, twin in TWINS.items():
        pairs: list[tuple[Result, Result]] = []
        for number in range(rounds):
            order = (twin, name) if number % 2 else (name, twin)
            found = {one: fire(subject.url, known[one], seconds) for one in order}
            pairs.append((found[twin], found[name]))
        ratio = statistics.median(ours.rate / other.rate for other, ours in pairs)
        rate, p50, p99 = (statistics.median(getattr(ours, key) for _, ours in pairs) for key in ("rate", "p50", "p99"))
        refused = sum(one.refused for pair in pairs for one in pair) / sum(
            one.requests for pair in pairs for one in pair
        )
        print(f"{name:28} {rate:8.0f} {p50:8.1f} {p99:8.1f} {ratio:8.3f} {OF_TWIN:6.2f} {refused:8.0%}", flush=True)


def weigh(subject: Subject, logins: int) -> None:
    """Prints memory before and after many logins, and what each leaves on disk."""
    shots = targets(subject)["azure login"]
    fire(subject.url, shots, 2)
    memory, disk, done = subject.memory(), subject.disk(), 0
    while done < logins:
        done += fire(subject.url, shots, 5).requests
    after = subject.memory()
    print(f"memory: {memory / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after {done} logins")
    print(f"disk: {(subject.disk() - disk) / done:.0f} bytes a login")


def main(arguments: list[str]) -> int:
    """Runs the whole benchmark."""
    if shutil.which("wrk") is None:
        print("wrk is missing: install it from your distribution (Debian: apt-get install wrk)", file=sys.stderr)
        return 1
    options = dict(word.lstrip("-").partition("=")[::2] for word in arguments)
    with tempfile.TemporaryDirectory() as folder, Subject(Path(folder), PORT, audit="audit" in options) as subject:
        if "twins" not in options:
            measure(subject, int(options.get("seconds") or 5), int(options.get("rounds") or 3))
        compare(subject, int(options.get("seconds") or 5), int(options.get("rounds") or 3))
        if "twins" in options:
            return 0
        weigh(subject, int(options.get("logins") or 100_000))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
