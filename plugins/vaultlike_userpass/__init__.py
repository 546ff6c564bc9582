"""The userpass auth method: people log in with a name and a password that this server keeps a hash of."""

from vaultlike_userpass.backend import Userpass

__all__ = ["Userpass"]
