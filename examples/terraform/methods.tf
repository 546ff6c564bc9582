# Who may log in, and what a login is worth.

resource "vault_auth_backend" "azure" {
  type        = "azure"
  path        = "cloud/azure"
  description = "Machines of the ${var.team} team"

  tune {
    default_lease_ttl = "20m"
    max_lease_ttl     = "8h"
    token_type        = "default-service"
  }
}

resource "vault_azure_auth_backend_config" "azure" {
  backend   = vault_auth_backend.azure.path
  tenant_id = "11111111-2222-3333-4444-555555555555"
  resource  = "https://vault.example"
}

resource "vault_azure_auth_backend_role" "web" {
  backend                = vault_auth_backend.azure.path
  role                   = "web"
  bound_subscription_ids = ["66666666-7777-8888-9999-000000000000"]
  bound_resource_groups  = ["web-${var.team}", "web"]
  token_ttl              = var.token_ttl
  token_max_ttl          = 14400
  token_policies         = [vault_policy.web.name]
  token_bound_cidrs      = ["10.0.0.0/8", "192.168.7.1/32"]
}

resource "vault_jwt_auth_backend" "pipelines" {
  path                   = "pipelines"
  type                   = "jwt"
  description            = "Builds"
  bound_issuer           = "https://ci.example"
  jwt_supported_algs     = ["ES256"]
  jwt_validation_pubkeys = [trimspace(file("${path.module}/issuer.pem"))]
  default_role           = "build"

  tune {
    listing_visibility = "unauth"
    default_lease_ttl  = "600s"
    max_lease_ttl      = "1h"
    token_type         = "default-batch"
  }
}

resource "vault_jwt_auth_backend_role" "build" {
  backend           = vault_jwt_auth_backend.pipelines.path
  role_name         = "build"
  role_type         = "jwt"
  user_claim        = "sub"
  bound_audiences   = ["vaultlike"]
  bound_claims_type = "glob"
  bound_claims = {
    repository = "${var.team}/*,shared/*"
    ref        = "refs/heads/main"
  }
  claim_mappings = {
    commit = "commit"
    run_id = "run"
  }
  token_ttl              = var.token_ttl
  token_explicit_max_ttl = 3600
  token_policies         = [vault_policy.web.name]
}

resource "vault_auth_backend" "approle" {
  type = "approle"
}

resource "vault_approle_auth_backend_role" "robot" {
  backend               = vault_auth_backend.approle.path
  role_name             = "robot"
  secret_id_ttl         = 86400
  secret_id_bound_cidrs = ["127.0.0.0/8"]
  token_ttl             = var.token_ttl
  token_policies        = [vault_policy.web.name, "default"]
}

resource "vault_approle_auth_backend_role_secret_id" "robot" {
  backend   = vault_auth_backend.approle.path
  role_name = vault_approle_auth_backend_role.robot.role_name
  ttl       = 86400 # as the role says: the provider compares it
  cidr_list = ["127.0.0.0/8"]
  metadata  = jsonencode({ team = var.team })
}

resource "vault_approle_auth_backend_login" "robot" {
  backend   = vault_auth_backend.approle.path
  role_id   = vault_approle_auth_backend_role.robot.role_id
  secret_id = vault_approle_auth_backend_role_secret_id.robot.secret_id
}

resource "vault_auth_backend" "people" {
  type = "userpass"
  path = "people"
}

resource "vault_userpass_auth_backend_user" "alice" {
  mount               = vault_auth_backend.people.path
  username            = "alice"
  password_wo         = var.password
  password_wo_version = 1
  token_ttl           = var.token_ttl
  token_policies      = [vault_policy.operator.name]
}

resource "vault_token_auth_backend_role" "nightly" {
  role_name              = "nightly"
  allowed_policies       = [vault_policy.web.name]
  disallowed_policies    = [vault_policy.operator.name]
  allowed_entity_aliases = ["nightly"]
  orphan                 = true
  renewable              = true
  token_period           = 86400
}
