"""The server's configuration: HCL or JSON files -> one checked `ServerConfig`, or every problem at once."""

from vaultlike.config.model import (
    ListenerConfig,
    LockoutConfig,
    Place,
    SealConfig,
    ServerConfig,
    StorageConfig,
)

__all__ = ["ListenerConfig", "LockoutConfig", "Place", "SealConfig", "ServerConfig", "StorageConfig"]
