"""What happens often and is counted for monitoring: requests, failures of the audit, refusals by rate limits.

One row of numbers for each process, in memory that the supervisor makes before it forks: a process writes its own row
and reads all of them, so that any worker tells the sums. A restarted worker goes on in its row; a restarted server
begins at 0, as counters do.
"""

from __future__ import annotations

import mmap

from msgspec import Struct

from vaultlike.board import Board


class Meter(Struct, frozen=True):
    """One thing that is counted; with a `unit`, how long or large it was is added up too."""

    number: int
    name: str
    help: str
    labels: tuple[tuple[str, str], ...] = ()
    unit: str = ""


class Total(Struct, frozen=True):
    """What all processes have counted. `sum` and `most` in the meter's unit."""

    count: float
    sum: float
    most: float


REQUESTS = Meter(0, "vault.core.handle_request", "Requests that were answered.", unit="ms")
LOGINS = Meter(1, "vault.core.handle_login_request", "Requests that gave somebody a token by a login.", unit="ms")
DONE = Meter(2, "vault.core.response_status_code", "Answers by their kind.", (("type", "2xx"),))
REFUSED = Meter(3, DONE.name, DONE.help, (("type", "4xx"),))
FAILED = Meter(4, DONE.name, DONE.help, (("type", "5xx"),))
LIMITED = Meter(5, "vault.quota.rate_limit.violation", "Requests that a rate limit refused.")
AUDIT_REQUEST = Meter(6, "vault.audit.log_request_failure", "Requests that no audit device took.")
AUDIT_RESPONSE = Meter(7, "vault.audit.log_response_failure", "Answers that no audit device took.")
ALL = (REQUESTS, LOGINS, DONE, REFUSED, FAILED, LIMITED, AUDIT_REQUEST, AUDIT_RESPONSE)
FACTS = 3  # count, sum, most
ROW = len(ALL) * FACTS


class Meters:
    """The rows of `processes`; each process takes one. `board`: what else they tell each other."""

    def __init__(self, processes: int = 1) -> None:
        self._row = 0
        self.board = Board(processes)
        self._numbers = memoryview(mmap.mmap(-1, max(processes, 1) * ROW * 8)).cast("d")

    def take_row(self, process: int) -> None:
        """Makes this process the one of that number: 0 at first."""
        self._row = process * ROW
        self.board.take_page(process)

    def add(self, meter: Meter, value: float = 0.0) -> None:
        """Counts once; `value` in the meter's unit."""
        numbers, at = self._numbers, self._row + meter.number * FACTS
        numbers[at] += 1
        numbers[at + 1] += value
        if value > numbers[at + 2]:
            numbers[at + 2] = value

    def total(self, meter: Meter) -> Total:
        """What all processes have counted since the server started."""
        if meter is DONE:  # the rest: nothing has to be counted for what happens most
            count = self.total(REQUESTS).count - self.total(REFUSED).count - self.total(FAILED).count
            return Total(max(count, 0.0), 0.0, 0.0)
        numbers, first = self._numbers, meter.number * FACTS
        starts = range(first, len(numbers), ROW)
        return Total(
            sum(numbers[at] for at in starts),
            sum(numbers[at + 1] for at in starts),
            max(numbers[at + 2] for at in starts),
        )
