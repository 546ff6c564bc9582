# Policies, and to whom they apply.

resource "vault_policy" "web" {
  name   = "web"
  policy = <<-EOT
    # What the machines of the ${var.team} team need.
    path "secrets/data/web/*" {
      capabilities = ["read"]
    }
    path "secrets/metadata/web/*" {
      capabilities = ["list"]
    }
  EOT
}

data "vault_policy_document" "operator" {
  rule {
    path         = "sys/auth/*"
    capabilities = ["create", "read", "update", "delete", "sudo"]
    description  = "methods"
  }
  rule {
    path         = "secrets/*"
    capabilities = ["create", "read", "update", "patch", "delete", "list"]
    allowed_parameter {
      key   = "*"
      value = []
    }
    min_wrapping_ttl = "1s"
    max_wrapping_ttl = "1h"
  }
}

resource "vault_policy" "operator" {
  name   = "operator"
  policy = data.vault_policy_document.operator.hcl
}

resource "vault_identity_entity" "alice" {
  name     = "alice"
  policies = [vault_policy.web.name]
  metadata = {
    team = var.team
  }
}

resource "vault_identity_entity_alias" "alice" {
  name           = vault_userpass_auth_backend_user.alice.username
  canonical_id   = vault_identity_entity.alice.id
  mount_accessor = vault_auth_backend.people.accessor
  custom_metadata = {
    since = "2024"
  }
}

resource "vault_identity_group" "team" {
  name              = "team-${var.team}"
  type              = "internal"
  policies          = [vault_policy.web.name]
  member_entity_ids = [vault_identity_entity.alice.id]
  metadata = {
    team = var.team
  }
}

resource "vault_identity_group" "releasers" {
  name     = "releasers"
  type     = "external"
  policies = [vault_policy.operator.name]
}

resource "vault_identity_group_alias" "releasers" {
  name           = "releasers"
  canonical_id   = vault_identity_group.releasers.id
  mount_accessor = vault_jwt_auth_backend.pipelines.accessor
}

# Identity tokens: who a caller is, signed for others.

resource "vault_identity_oidc_key" "workloads" {
  name             = "workloads"
  algorithm        = "ES256"
  rotation_period  = 3600
  verification_ttl = 7200
}

resource "vault_identity_oidc_role" "workload" {
  name     = "workload"
  key      = vault_identity_oidc_key.workloads.name
  ttl      = 600
  template = "{\"team\": {{identity.entity.metadata.team}}}"
}

resource "vault_identity_oidc_key_allowed_client_id" "workload" {
  key_name          = vault_identity_oidc_key.workloads.name
  allowed_client_id = vault_identity_oidc_role.workload.client_id
}
