"""From version 1 to version 2: every secret becomes version 1 of itself. Several nodes may do it at once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from structlog.typing import FilteringBoundLogger

from vaultlike.clock import Clock
from vaultlike.engines.kv.documents import Change, Secret, Secrets, Texts
from vaultlike.engines.kv.json_values import as_floats
from vaultlike.engines.kv.record import Config, Record
from vaultlike.errors import Invalid
from vaultlike.storage.engine import Conflict

PAGE = 500


async def upgrade(texts: Texts, secrets: Secrets, clock: Clock, log: FilteringBoundLogger) -> None:
    """Moves all unversioned secrets of the mount; without any it costs one query.

    The versioned secret is written first and never over an existing one, so an upgrade that was interrupted goes on.
    """
    after = ""
    while page := await texts.keys(after=after, limit=PAGE):
        for path in page:
            found = await texts.versioned(path)
            if found is None:
                continue
            try:
                data = msgspec.json.encode(as_floats(msgspec.json.decode(found[0])))
            except Invalid as problem:  # stays where it is; the others are taken over
                log.error("a secret cannot be taken over to version 2", path=path, problem=problem.reason)
                continue
            now = clock.now()
            record = Record(store=secrets.new_store(), created_at=now, updated_at=now)
            record.add(Config(), now)
            await secrets.change(path, _unless_known(Secret(record, data)))
            try:
                await texts.delete(path, found[1])
            except Conflict:  # another node was faster
                continue
        after = page[-1]


def _unless_known(made: Secret) -> Callable[[Secret | None], Change | None]:
    return lambda known: None if known else Change(made)
