"""The server's configuration: HCL or JSON files -> one checked `ServerConfig`, or every problem at once."""

from vaultlike.config.model import (
    ConfigInvalid,
    ListenerConfig,
    Place,
    Problem,
    SealConfig,
    ServerConfig,
    StorageConfig,
)
from vaultlike.config.reading import Loaded, load

__all__ = [
    "ConfigInvalid",
    "ListenerConfig",
    "Loaded",
    "Place",
    "Problem",
    "SealConfig",
    "ServerConfig",
    "StorageConfig",
    "load",
]
