"""One wrk run: a list of requests taken in turn by 32 connections, and what came of them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

CONNECTIONS = 32
SCRIPT = """
local requests = {}
local at = 0
function init(args)
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match("^(%S+) (%S+) (%S+) ?(.*)$")
    local headers = {["Content-Type"] = "application/json"}
    if token ~= "-" then headers["X-Vault-Token"] = token end
    if body == "" then body = nil end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""


class Shot(Struct, frozen=True):
    """A request as wrk sends it; `token` "-" sends none."""

    method: str
    path: str
    token: str = "-"
    body: object = None

    def line(self) -> str:
        text = "" if self.body is None else json.dumps(self.body)
        return f"{self.method} {self.path} {self.token} {text}"


class Result(Struct, frozen=True):
    """Requests a second, p50 and p99 in milliseconds, and answers other than 2xx and 3xx."""

    rate: float
    p50: float
    p99: float
    refused: int
    requests: int


def fire(url: str, shots: list[Shot], seconds: int) -> Result:
    """Runs wrk for `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        script, lines = Path(folder) / "shots.lua", Path(folder) / "shots.txt"
        script.write_text(SCRIPT)
        lines.write_text("\n".join(shot.line() for shot in shots) + "\n")
        command = [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(script),
            url,
            "--",
            str(lines),
        ]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return read(text)


def read(text: str) -> Result:
    """The figures in wrk's report."""
    rate = float(_find(r"Requests/sec:\s+([\d.]+)", text))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    requests = int(_find(r"(\d+) requests in", text))
    return Result(
        rate, _milliseconds("50%", text), _milliseconds("99%", text), int(refused[1]) if refused else 0, requests
    )


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"wrk said something else:\n{text}")
    return match[1]


def _milliseconds(percent: str, text: str) -> float:
    match = re.search(rf"{percent}\s+([\d.]+)(us|ms|s)", text)
    if match is None:
        raise ValueError(f"wrk said something else:\n{text}")
    return float(match[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[match[2]]
