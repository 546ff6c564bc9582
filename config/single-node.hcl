# One machine, one durable database. Check a copy with `vaultlike server -config=FILE -test` before using it.

cluster_name = "vaultlike"
api_addr     = "https://vault.example.com:8200" # how clients reach this server

storage "sqlite" {
  path = "/var/lib/vaultlike/vaultlike.db" # on a local disk; the file is made with mode 0600
}

listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = "/etc/vaultlike/tls/server.pem" # the chain in order, the server's certificate first
  tls_key_file  = "/etc/vaultlike/tls/server.key"

  # Certificate logins (auth/cert): clients may present a certificate of these CAs.
  # tls_client_ca_file = "/etc/vaultlike/tls/clients-ca.pem"
}

# People unseal (the default). To unseal without people after every start, keep a key outside of the database:
# seal "static" {
#   current_key_id = "2026-01"
#   current_key    = "file:///etc/vaultlike/unseal.key" # 32 bytes as hex or base64, or env://NAME
# }

default_lease_ttl = "1h"
max_lease_ttl     = "24h"

user_lockout "all" {
  lockout_threshold     = 5
  lockout_duration      = "15m"
  lockout_counter_reset = "15m"
}

# Infisical's API at /api, for its SDKs and agent (docs/infisical.md):
# infisical {
#   enabled = true
# }

# workers = 2 # serving processes, at most one for each core; docs/operations.md "Workers"

log_level = "info" # to standard error; systemd keeps it in the journal
