"""vaultlike: an auth server that speaks Vault's and Infisical's public APIs over one core."""

__version__ = "0.1.0"
