"""Every key that a server's configuration may hold, and how it is read. Meaning is in `reading` and in the server."""

from __future__ import annotations

from vaultlike.config import values
from vaultlike.config.section import Key

_ALONE = "every node is active on its database; there is no cluster traffic"
_ROTATE = "let logrotate move the file and send SIGHUP"
_NO_CACHE = "caches are always right: they follow every change of the configuration"
_PLUGINS = "plugins are Python packages of this installation"
_NOTHING = "nothing of the kind is built"

TOP: dict[str, Key] = {
    "api_addr": Key(values.url),
    "cluster_name": Key(values.nonempty),
    "log_level": Key(values.one_of(*values.LEVELS)),
    "log_format": Key(values.one_of("standard", "json")),
    "log_file": Key(values.nonempty),
    "pid_file": Key(values.nonempty),
    "default_lease_ttl": Key(values.duration),
    "max_lease_ttl": Key(values.duration),
    "default_max_request_duration": Key(values.seconds),
    "workers": Key(values.integer),
    # what other servers of this API know and what does nothing here; these ask to leave out what is not there anyway
    "disable_clustering": Key(values.flag),
    "disable_indexing": Key(values.flag),
    "disable_mlock": Key(values.flag),
    "disable_performance_standby": Key(values.flag),
    "disable_printable_check": Key(values.flag),
    "disable_sealwrap": Key(values.flag),
    "disable_sentinel_trace": Key(values.flag),
    "cluster_addr": Key(idle=_ALONE, quiet=True),
    "cluster_cipher_suites": Key(idle=_ALONE, quiet=True),
    "disable_cache": Key(idle=_NO_CACHE, quiet=True),
    "cache_size": Key(idle=_NO_CACHE, quiet=True),
    "detect_deadlocks": Key(idle=_NOTHING, quiet=True),
    "enable_response_header_hostname": Key(idle=_NOTHING, quiet=True),
    "enable_response_header_raft_node_id": Key(idle=_NOTHING, quiet=True),
    "ui": Key(idle="there is no web interface at /ui", quiet=True),
    "experiments": Key(idle=_NOTHING, quiet=True),
    "imprecise_lease_role_tracking": Key(idle=_NOTHING, quiet=True),
    "introspection_endpoint": Key(idle="sys/internal/inspect is not built", quiet=True),
    "raw_storage_endpoint": Key(idle="sys/raw is not built", quiet=True),
    "license_path": Key(idle="no licence is needed", quiet=True),
    "log_requests_level": Key(idle="requests are in the audit log", quiet=True),
    "log_rotate_bytes": Key(idle=_ROTATE, quiet=True),
    "log_rotate_duration": Key(idle=_ROTATE, quiet=True),
    "log_rotate_max_files": Key(idle=_ROTATE, quiet=True),
    "plugin_directory": Key(idle=_PLUGINS, quiet=True),
    "plugin_file_permissions": Key(idle=_PLUGINS, quiet=True),
    "plugin_file_uid": Key(idle=_PLUGINS, quiet=True),
    "plugin_tmpdir": Key(idle=_PLUGINS, quiet=True),
    "telemetry": Key(idle="metrics are pushed nowhere"),
    "service_registration": Key(idle="the server registers itself nowhere"),
    "ha_storage": Key(idle=_ALONE),
    "reporting": Key(idle="nothing is reported to anybody"),
    "request_limiter": Key(idle="use rate limit quotas"),
    "sentinel": Key(idle=_NOTHING),
    "kms_library": Key(refused="seals over PKCS#11 are not built"),
    "entropy": Key(refused="other sources of randomness than the operating system's are not built"),
    "hsm": Key(refused="hardware seals are not built"),
    "administrative_namespace_path": Key(refused="administrative namespaces are not built"),
}
BLOCKS = ("storage", "backend", "listener", "seal", "user_lockout", "azure_cloud", "plugins", "infisical", "hanzo")

STORAGE: dict[str, dict[str, Key]] = {
    "sqlite": {"path": Key(values.nonempty)},
    "inmem": {},
}
OTHER_STORAGE = frozenset((
    "aerospike", "alicloudoss", "azure", "cassandra", "cockroachdb", "consul", "couchdb", "dynamodb", "etcd", "file",
    "foundationdb", "gcs", "inmem_ha", "manta", "mssql", "mysql", "oci", "postgresql", "raft", "s3", "spanner", "swift",
    "zookeeper",
))  # fmt: skip

_LISTENER: dict[str, Key] = {
    "address": Key(values.nonempty),
    "custom_response_headers": Key(values.headers),
    "max_request_size": Key(values.size),
    "max_response_size": Key(values.size),
    "max_request_duration": Key(values.seconds),
    "max_request_line": Key(values.size),
    "max_header_size": Key(values.size),
    "max_header_count": Key(values.integer),
    "max_head_size": Key(values.size),
    "max_connections": Key(values.integer),
    "http_read_header_timeout": Key(values.seconds),
    "http_read_timeout": Key(values.seconds),
    "http_idle_timeout": Key(values.seconds),
    "x_forwarded_for_authorized_addrs": Key(values.names),
    "x_forwarded_for_hop_skips": Key(values.integer),
    "x_forwarded_for_reject_not_present": Key(values.flag),
    "x_forwarded_for_reject_not_authorized": Key(values.flag),
    "http_write_timeout": Key(idle="max_request_duration bounds the whole request", quiet=True),
    "disable_request_limiter": Key(idle="use rate limit quotas", quiet=True),
    "disable_replication_status_endpoints": Key(idle=_ALONE, quiet=True),
    "cluster_address": Key(idle=_ALONE, quiet=True),
    "telemetry": Key(idle="there are no metrics without a token"),
    "profiling": Key(idle="pprof is not built"),
    "inflight_requests_logging": Key(idle=_NOTHING),
    # ignoring these would leave something open, or misread every connection
    "proxy_protocol_behavior": Key(refused="the PROXY protocol is not built"),
    "proxy_protocol_authorized_addrs": Key(refused="the PROXY protocol is not built"),
    "chroot_namespace": Key(refused="listeners of one namespace are not built"),
    "x_forwarded_for_client_cert_header": Key(refused="client certificates from a proxy are not built"),
    "redact_addresses": Key(refused="redacted answers are not built"),
    "redact_cluster_name": Key(refused="redacted answers are not built"),
    "redact_version": Key(refused="redacted answers are not built"),
}
LISTENER: dict[str, dict[str, Key]] = {
    "tcp": {
        **_LISTENER,
        "tls_disable": Key(values.flag),
        "tls_cert_file": Key(values.nonempty),
        "tls_key_file": Key(values.nonempty),
        "tls_min_version": Key(values.one_of("tls12", "tls13")),
        "tls_max_version": Key(idle="the newest version that both sides know is used"),
        "tls_cipher_suites": Key(values.text),
        "tls_prefer_server_cipher_suites": Key(idle="the server's order is always used", quiet=True),
        "tls_client_ca_file": Key(values.nonempty),
        "tls_require_and_verify_client_cert": Key(values.flag),
        "tls_disable_client_certs": Key(values.flag),
    },
    "unix": {
        **_LISTENER,
        "socket_mode": Key(values.text),
        "socket_user": Key(values.text),
        "socket_group": Key(values.text),
    },
}

_SEAL: dict[str, Key] = {
    "name": Key(values.nonempty),
    "disabled": Key(values.flag),
    "priority": Key(idle="whichever seal answers first opens"),
}
SEALS: dict[str, dict[str, Key]] = {
    "shamir": {"disabled": Key(values.flag)},
    "static": {
        **_SEAL,
        "current_key_id": Key(values.nonempty),
        "current_key": Key(values.nonempty),
        "previous_key_id": Key(values.nonempty),
        "previous_key": Key(values.nonempty),
    },
    "transit": {
        **_SEAL,
        "address": Key(values.url),
        "token": Key(values.nonempty),
        "key_name": Key(values.nonempty),
        "mount_path": Key(values.nonempty),
        "namespace": Key(values.text),
        "disable_renewal": Key(values.flag),
        "tls_ca_cert": Key(values.nonempty),
        "tls_client_cert": Key(values.nonempty),
        "tls_client_key": Key(values.nonempty),
        "tls_server_name": Key(values.nonempty),
        # whoever stands between would be handed the token, and with it the root key
        "tls_skip_verify": Key(refused="the key service's certificate is always checked: use tls_ca_cert"),
        "key_id_prefix": Key(idle="what wrapped the root key is told apart by the seal's name"),
    },
}
# Where a transit stanza is silent, these speak, as they do for Vault's own.
TRANSIT_ENVIRONMENT: dict[str, str] = {
    "address": "VAULT_ADDR",
    "token": "VAULT_TOKEN",
    "key_name": "VAULT_TRANSIT_SEAL_KEY_NAME",
    "mount_path": "VAULT_TRANSIT_SEAL_MOUNT_PATH",
    "namespace": "VAULT_NAMESPACE",
    "disable_renewal": "VAULT_TRANSIT_SEAL_DISABLE_RENEWAL",
    "tls_ca_cert": "VAULT_CACERT",
    "tls_client_cert": "VAULT_CLIENT_CERT",
    "tls_client_key": "VAULT_CLIENT_KEY",
    "tls_server_name": "VAULT_TLS_SERVER_NAME",
}

AZURE_CLOUD: dict[str, Key] = {
    "active_directory": Key(values.secure_url),
    "issuer": Key(values.secure_url),
    "resource_manager": Key(values.secure_url),
    "graph": Key(values.secure_url),
    "audience": Key(values.nonempty),
    "metadata": Key(values.url),
    "ca_file": Key(values.nonempty),
}
AZURE_CLOUD_NEEDS = ("active_directory", "resource_manager")

USER_LOCKOUT: dict[str, Key] = {
    "lockout_threshold": Key(values.integer),
    "lockout_duration": Key(values.duration),
    "lockout_counter_reset": Key(values.duration),
    "disable_lockout": Key(values.flag),
}
LOCKOUT_KINDS = ("all", "userpass", "ldap", "approle")

# The second API; a label is the path of the namespace, none is the root one.
INFISICAL: dict[str, Key] = {
    "enabled": Key(values.flag),
    "bootstrap": Key(values.flag),
    "allow_internal_ip_connections": Key(values.flag),
}
HANZO: dict[str, Key] = {"enabled": Key(values.flag)}

PLUGINS: dict[str, Key] = {"allow": Key(values.names)}
