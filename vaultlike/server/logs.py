"""The log of a server process: to a file or to standard error, set up at the start and again at every reload."""

from __future__ import annotations

import io
import sys
from typing import TextIO, cast

from vaultlike import log
from vaultlike.config import ServerConfig
from vaultlike.server.failure import StartFailure
from vaultlike.server.logstream import PatientStream, PromptStream, open_file


class Logs:
    """Owns the stream that log lines go to."""

    def __init__(self, *, threads: bool = True) -> None:
        """`threads=False`: for a process that will fork, which must not have any."""
        self._threads = threads
        self._patient: PatientStream | None = None
        self._file: io.TextIOWrapper | None = None

    def use(self, config: ServerConfig) -> None:
        """Level, format and place as configured; a file is opened again. Raises StartFailure, with nothing changed."""
        stream: io.TextIOBase
        try:
            opened = open_file(config.log_file) if config.log_file else None
        except OSError as problem:
            raise StartFailure(f"log_file {config.log_file}: {problem.strerror}") from None
        if opened is not None:
            stream = opened
        elif not self._threads:
            stream = PromptStream(sys.stderr.fileno())
        else:
            if self._patient is None:
                self._patient = PatientStream(sys.stderr.fileno())
            stream = self._patient
        format: log.Format = "json" if config.log_format == "json" else "standard"
        log.configure(config.log_level, format, cast(TextIO, stream))
        if self._file is not None:
            self._file.close()
        self._file = opened

    def close(self) -> None:
        """Gives the last lines a moment."""
        if self._patient is not None:
            self._patient.settle()
