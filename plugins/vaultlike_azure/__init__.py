"""Azure: machines log in with the access token of their managed identity or service principal (spec/azure.md)."""

from __future__ import annotations

from vaultlike_azure.backend import Azure

__all__ = ["Azure"]
