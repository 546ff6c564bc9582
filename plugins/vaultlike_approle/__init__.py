"""The approle auth method: machines log in with a role id and a secret id."""

from vaultlike_approle.backend import Approle

__all__ = ["Approle"]
