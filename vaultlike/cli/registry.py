"""All commands by name: where each lives and what it does. Static, so that `--help` imports nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """`module` below `vaultlike.cli.commands`; it holds a tuple `COMMANDS` with a Command of this name."""

    module: str
    summary: str


GROUPS = {
    "audit": "Audit devices",
    "auth": "Auth methods",
    "emulator": "Cloud emulators for trying things out",
    "kv": "Key/value secrets, version 1 and 2",
    "kv metadata": "Metadata of versioned secrets",
    "lease": "Leases of tokens and secrets",
    "operator": "Sealing, keys and other work of operators",
    "plugin": "Plugins that the server knows",
    "policy": "Policies",
    "print": "What the command line would use",
    "secrets": "Secrets engines",
    "token": "Tokens",
}

COMMANDS = {
    "read": Entry("logical", "Reads data at a path"),
    "write": Entry("logical", "Writes data to a path, or calls an endpoint"),
    "list": Entry("logical", "Lists names below a path"),
    "delete": Entry("logical", "Deletes data at a path"),
    "patch": Entry("logical", "Changes parts of the data at a path"),
    "login": Entry("login", "Logs in and stores the token"),
    "status": Entry("status", "Shows whether the server is initialized and unsealed"),
    "unwrap": Entry("unwrap", "Unwraps a wrapped answer"),
    "path-help": Entry("path_help", "Shows the server's help for a path"),
    "explain": Entry("explain", "Tells why a login was refused, or whether one would be"),
    "version": Entry("version", "Shows the version of this program"),
    "server": Entry("server", "Starts a server"),
    "emulator azure": Entry("emulator", "Starts an emulation of Azure's identity endpoints"),
    "print token": Entry("print_token", "Prints the token that commands would send"),
    "auth enable": Entry("auth", "Enables an auth method"),
    "auth disable": Entry("auth", "Disables an auth method and revokes its tokens"),
    "auth list": Entry("auth", "Lists the enabled auth methods"),
    "auth tune": Entry("auth", "Changes the settings of an auth method"),
    "auth move": Entry("auth", "Moves an auth method to another path"),
    "auth help": Entry("auth_help", "Shows how to log in with an auth method"),
    "secrets enable": Entry("secrets", "Enables a secrets engine"),
    "secrets disable": Entry("secrets", "Disables a secrets engine and deletes its data"),
    "secrets list": Entry("secrets", "Lists the enabled secrets engines"),
    "secrets tune": Entry("secrets", "Changes the settings of a secrets engine"),
    "secrets move": Entry("secrets", "Moves a secrets engine to another path"),
    "policy list": Entry("policy", "Lists policies"),
    "policy read": Entry("policy", "Shows a policy"),
    "policy write": Entry("policy", "Uploads a policy"),
    "policy delete": Entry("policy", "Deletes a policy"),
    "policy fmt": Entry("policy", "Formats a policy file in place"),
    "token create": Entry("token_create", "Creates a token"),
    "token lookup": Entry("token", "Shows what a token is"),
    "token renew": Entry("token", "Extends a token's lifetime"),
    "token revoke": Entry("token", "Revokes a token and its children"),
    "token capabilities": Entry("token", "Shows what a token may do at a path"),
    "kv get": Entry("kv", "Shows a secret"),
    "kv put": Entry("kv", "Writes a secret, replacing what is there"),
    "kv patch": Entry("kv", "Changes some keys of a secret"),
    "kv list": Entry("kv", "Lists secrets"),
    "kv delete": Entry("kv_versions", "Deletes the newest version of a secret, or the given ones"),
    "kv undelete": Entry("kv_versions", "Restores deleted versions"),
    "kv destroy": Entry("kv_versions", "Removes versions for good"),
    "kv rollback": Entry("kv_versions", "Makes an old version the newest one"),
    "kv enable-versioning": Entry("kv_versions", "Turns a version 1 engine into version 2"),
    "kv metadata get": Entry("kv_metadata", "Shows the versions and settings of a secret"),
    "kv metadata put": Entry("kv_metadata", "Sets the settings of a secret"),
    "kv metadata patch": Entry("kv_metadata", "Changes some settings of a secret"),
    "kv metadata delete": Entry("kv_metadata", "Deletes a secret with all versions"),
    "lease lookup": Entry("lease", "Shows a lease"),
    "lease renew": Entry("lease", "Extends a lease"),
    "lease revoke": Entry("lease", "Revokes a lease, or all below a prefix"),
    "operator init": Entry("operator_init", "Initializes a new server"),
    "operator unseal": Entry("operator_seal", "Gives one unseal key"),
    "operator seal": Entry("operator_seal", "Seals the server"),
    "operator step-down": Entry("operator_seal", "Asks the active node to step down"),
    "operator key-status": Entry("operator_keys", "Shows the encryption key in use"),
    "operator rotate": Entry("operator_keys", "Makes a new encryption key"),
    "operator generate-root": Entry("operator_root", "Makes a root token from unseal keys"),
    "operator rekey": Entry("operator_rekey", "Makes new unseal keys"),
    "audit enable": Entry("audit", "Enables an audit device"),
    "audit disable": Entry("audit", "Disables an audit device"),
    "audit list": Entry("audit", "Lists audit devices"),
    "plugin list": Entry("plugin", "Lists plugins"),
    "plugin info": Entry("plugin", "Shows a plugin"),
}
