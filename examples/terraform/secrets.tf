# Secrets, the record of who used them, and limits.

resource "vault_mount" "secrets" {
  path                        = "secrets"
  type                        = "kv"
  description                 = "Secrets of the ${var.team} team"
  options                     = { version = "2" }
  default_lease_ttl_seconds   = 3600
  max_lease_ttl_seconds       = 86400
  audit_non_hmac_request_keys = ["path"]
}

resource "vault_kv_secret_backend_v2" "secrets" {
  mount                = vault_mount.secrets.path
  max_versions         = 5
  delete_version_after = 86400
  cas_required         = false
}

resource "vault_kv_secret_v2" "web" {
  mount               = vault_mount.secrets.path
  name                = "web/database"
  delete_all_versions = true
  data_json = jsonencode({
    user     = "web"
    password = "not a secret: it stands here"
    team     = var.team
  })
  custom_metadata {
    max_versions = 3
    data = {
      team = var.team
    }
  }
}

resource "vault_mount" "old" {
  path    = "old/secrets"
  type    = "kv"
  options = { version = "1" }
}

resource "vault_kv_secret" "old" {
  path      = "${vault_mount.old.path}/printer"
  data_json = jsonencode({ pin = "0000", team = var.team })
}

resource "vault_generic_secret" "old" {
  path      = "${vault_mount.old.path}/scanner"
  data_json = jsonencode({ pin = 1111 })
}

resource "vault_audit" "file" {
  type        = "file"
  path        = "records"
  description = "Everything, to a file"
  options = {
    file_path = var.audit_log
  }
}

resource "vault_audit_request_header" "forwarded" {
  name = "X-Forwarded-For"
  hmac = false
}

resource "vault_quota_rate_limit" "logins" {
  name           = "logins"
  path           = "auth/${vault_auth_backend.people.path}/"
  rate           = 50
  interval       = 60
  block_interval = 0
}

output "robot_policies" {
  description = "What the robot may do, as its login answered."
  value       = vault_approle_auth_backend_login.robot.policies
}
