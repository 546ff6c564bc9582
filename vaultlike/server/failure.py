"""Why a server does not start: one line for the operator, never a traceback."""

from __future__ import annotations


class StartFailure(Exception):
    """The server cannot start; the text names what the operator can change."""
