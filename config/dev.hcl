# A server to try things with: no TLS, everything in memory. It starts sealed and empty, unlike `server -dev`:
#
#   vaultlike server -config=config/dev.hcl
#   vaultlike operator init -key-shares=1 -key-threshold=1

storage "inmem" {}

listener "tcp" {
  address     = "127.0.0.1:8200"
  tls_disable = true # the token travels in clear text: only on this machine
}

log_level = "debug"
