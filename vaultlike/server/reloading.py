"""Reading the configuration again while serving: all of it, or nothing."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from vaultlike.config import ConfigInvalid, ServerConfig
from vaultlike.server.failure import StartFailure
from vaultlike.server.logs import Logs
from vaultlike.server.sources import Sources


def reread(sources: Sources, logs: Logs, log: FilteringBoundLogger) -> ServerConfig | None:
    """The configuration as it is now, with the log set up by it; None when it cannot be used, and the log says why."""
    try:
        config = sources.read()
        logs.use(config)
    except ConfigInvalid as invalid:
        for problem in invalid.problems:
            log.error("not reloaded", problem=str(problem))
    except StartFailure as failure:
        log.error("not reloaded", problem=str(failure))
    else:
        return config
    return None
