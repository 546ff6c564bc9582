"""The commands, one file per noun. Each module declares `COMMANDS`; `vaultlike.cli.registry` names them all."""
