# What the example does not have: more resources, more fields of them, each with a change
# (`turn` is 1, then 2, then 3, which is as 1 but for what cannot be undone).

terraform {
  required_providers {
    vault = { source = "hashicorp/vault" }
  }
}

provider "vault" {}

variable "turn" { type = number }
variable "scratch" { type = string }
variable "issuer_key" { type = string }

locals {
  guid = "11111111-2222-3333-4444-555555555555"
  one  = var.turn != 2
  token = {
    ttl      = local.one ? 1200 : 600
    policies = local.one ? ["b", "a"] : ["c"]
    cidrs    = local.one ? ["10.0.0.0/8", "127.0.0.0/8"] : []
  }
}

# Mounts and their settings

resource "vault_auth_backend" "plain" {
  type = "approle"
  path = "tf/plain"
}

resource "vault_auth_backend" "tuned" {
  type        = "userpass"
  path        = "tf-tuned"
  description = local.one ? "one" : ""
  local       = true
  tune {
    default_lease_ttl            = local.one ? "10m" : "20m"
    max_lease_ttl                = "72h"
    listing_visibility           = local.one ? "unauth" : "hidden"
    token_type                   = local.one ? "default-batch" : "service"
    audit_non_hmac_request_keys  = local.one ? ["b", "a"] : ["b"]
    audit_non_hmac_response_keys = ["x"]
    passthrough_request_headers  = local.one ? ["X-One"] : ["X-Two", "X-One"]
    allowed_response_headers     = ["X-Answer"]
  }
}

resource "vault_mount" "kv1" {
  path    = "tf-moved-${var.turn}"
  type    = "kv"
  options = { version = "1" }
}

resource "vault_mount" "kv2" {
  path                         = "tf-kv2"
  type                         = "kv-v2"
  description                  = local.one ? "one" : "two"
  listing_visibility           = local.one ? "unauth" : "hidden"
  seal_wrap                    = false
  default_lease_ttl_seconds    = local.one ? 60 : 0
  max_lease_ttl_seconds        = local.one ? 120 : 0
  audit_non_hmac_response_keys = local.one ? ["x"] : []
  passthrough_request_headers  = ["X-One"]
  allowed_response_headers     = ["X-Two"]
}

resource "vault_mount" "upgraded" {
  path    = "tf-upgraded"
  type    = "kv"
  options = { version = var.turn == 1 ? "1" : "2" }
}

resource "vault_mount" "transit" {
  path = "tf-transit"
  type = "transit"
}

resource "vault_audit" "file" {
  type    = "file"
  path    = "tf-audit"
  options = { file_path = "${var.scratch}/audit-${var.turn}.log", mode = "0600", hmac_accessor = "false" }
}

resource "vault_audit" "socket" {
  type    = "file"
  path    = "tf-deep/audit"
  local   = true
  options = { file_path = "discard" }
}

resource "vault_audit_request_header" "one" {
  name = "X-Tf-One"
  hmac = local.one
}

# Methods

resource "vault_auth_backend" "azure" {
  type = "azure"
  path = "tf-azure"
}

resource "vault_azure_auth_backend_config" "secret" {
  backend       = vault_auth_backend.azure.path
  tenant_id     = local.guid
  client_id     = local.one ? "one" : "two"
  client_secret = "tf-hidden-${var.turn}"
  resource      = "https://vault.test/${var.turn}"
  environment   = "AzurePublicCloud"
  retry_delay   = local.one ? 5 : null
  max_retries   = local.one ? 4 : null
}

resource "vault_azure_auth_backend_role" "all" {
  backend                     = vault_auth_backend.azure.path
  role                        = "all"
  bound_service_principal_ids = [local.guid]
  bound_group_ids             = local.one ? [local.guid] : ["x"]
  bound_locations             = local.one ? ["westeurope", "eastus"] : ["eastus"]
  bound_subscription_ids      = [local.guid]
  bound_resource_groups       = ["b", "a"]
  token_ttl                   = local.token.ttl
  token_max_ttl               = 3600
  token_explicit_max_ttl      = 7200
  token_policies              = local.token.policies
  token_bound_cidrs           = local.token.cidrs
  token_no_default_policy     = local.one
  token_num_uses              = local.one ? 3 : 0
  token_type                  = local.one ? "service" : "default"
}

resource "vault_azure_auth_backend_role" "scale_sets" {
  backend                = vault_auth_backend.azure.path
  role                   = "Scale-Sets"
  bound_scale_sets       = ["one"]
  bound_subscription_ids = [local.guid]
  token_period           = local.one ? 600 : 0
}

resource "vault_jwt_auth_backend" "oidc" {
  path                   = "tf-oidc"
  type                   = "oidc"
  description            = "people"
  jwt_supported_algs     = local.one ? [] : ["RS256"]
  bound_issuer           = local.one ? "https://one.test" : "https://two.test"
  default_role           = local.one ? "web" : "other"
  namespace_in_state     = local.one
  jwt_validation_pubkeys = [trimspace(var.issuer_key)]
}

resource "vault_jwt_auth_backend_role" "web" {
  backend                      = vault_jwt_auth_backend.oidc.path
  role_name                    = "Web"
  role_type                    = "oidc"
  user_claim                   = local.one ? "/user/mail" : "sub"
  user_claim_json_pointer      = local.one
  groups_claim                 = local.one ? "groups" : null
  oidc_scopes                  = local.one ? ["profile", "email"] : ["email"]
  allowed_redirect_uris        = local.one ? ["http://localhost:8250/oidc/callback", "https://b.test/x"] : ["https://b.test/x"]
  bound_claims                 = { team = "blue,green", "/deep/claim" = "x" }
  disable_bound_claims_parsing = local.one
  claim_mappings               = local.one ? { email = "mail", "/name" = "name" } : { email = "mail" }
  verbose_oidc_logging         = local.one
  max_age                      = local.one ? 60 : 90
  token_ttl                    = local.token.ttl
  token_policies               = local.token.policies
  token_bound_cidrs            = local.token.cidrs
  token_type                   = "service"
}

resource "vault_jwt_auth_backend_role" "leeway" {
  backend           = vault_jwt_auth_backend.oidc.path
  role_name         = "leeway"
  role_type         = "jwt"
  user_claim        = "sub"
  bound_subject     = "me"
  bound_audiences   = ["b", "a"]
  clock_skew_leeway = local.one ? 30 : -1
  expiration_leeway = local.one ? 60 : -1
  not_before_leeway = local.one ? 90 : -1
}

resource "vault_approle_auth_backend_role" "all" {
  backend                 = vault_auth_backend.plain.path
  role_name               = "Robot"
  role_id                 = "tf-role-id-${var.turn}"
  bind_secret_id          = true
  secret_id_bound_cidrs   = local.one ? ["10.0.0.0/8", "127.0.0.0/8"] : ["127.0.0.0/8"]
  secret_id_num_uses      = local.one ? 5 : 0
  secret_id_ttl           = local.one ? 300 : 0
  token_ttl               = local.token.ttl
  token_max_ttl           = 3600
  token_policies          = local.token.policies
  token_no_default_policy = local.one
  token_num_uses          = local.one ? 0 : 3
  token_type              = local.one ? "batch" : "default"
}

resource "vault_approle_auth_backend_role" "kept" {
  backend        = vault_auth_backend.plain.path
  role_name      = "kept"
  token_policies = ["a"]
}

resource "vault_approle_auth_backend_role_secret_id" "chosen" {
  backend   = vault_auth_backend.plain.path
  role_name = vault_approle_auth_backend_role.kept.role_name
  secret_id = "tf-chosen-secret-id-${var.turn}"
  cidr_list = ["10.0.0.0/8"]
  metadata  = jsonencode({ turn = tostring(var.turn) })
}

resource "vault_approle_auth_backend_role_secret_id" "wrapped" {
  backend               = vault_auth_backend.plain.path
  role_name             = vault_approle_auth_backend_role.kept.role_name
  wrapping_ttl          = "10m"
  with_wrapped_accessor = true
}

data "vault_approle_auth_backend_role_id" "kept" {
  backend   = vault_auth_backend.plain.path
  role_name = vault_approle_auth_backend_role.kept.role_name
}

resource "vault_userpass_auth_backend_user" "one" {
  mount                   = vault_auth_backend.tuned.path
  username                = "one"
  password_wo             = "tf-hidden-${var.turn}"
  password_wo_version     = var.turn
  token_ttl               = local.token.ttl
  token_policies          = local.token.policies
  token_bound_cidrs       = local.one ? local.token.cidrs : null
  token_no_default_policy = local.one ? true : null
  token_type              = "default"
}

resource "vault_generic_endpoint" "user" {
  path                 = "auth/${vault_auth_backend.tuned.path}/users/two"
  ignore_absent_fields = true
  data_json            = jsonencode({ password = "tf-hidden", token_policies = local.token.policies, token_ttl = local.token.ttl })
}

resource "vault_generic_endpoint" "login" {
  path           = "auth/${vault_auth_backend.tuned.path}/login/two"
  disable_read   = true
  disable_delete = true
  data_json      = jsonencode({ password = "tf-hidden" })
  depends_on     = [vault_generic_endpoint.user]
}

resource "vault_generic_endpoint" "token" {
  path           = "auth/token/create"
  disable_read   = true
  disable_delete = true
  data_json      = jsonencode({ policies = ["default"], ttl = "10m" })
  write_fields   = ["ttl"]
}

resource "vault_token_auth_backend_role" "all" {
  role_name                = "tf-all"
  allowed_policies         = local.one ? ["b", "a"] : []
  allowed_policies_glob    = ["c-*"]
  disallowed_policies      = ["d"]
  disallowed_policies_glob = local.one ? ["e-*"] : []
  orphan                   = local.one
  renewable                = local.one
  allowed_entity_aliases   = local.one ? ["one"] : []
  path_suffix              = local.one ? "suffix" : "other"
  token_period             = local.one ? 600 : 0
  token_explicit_max_ttl   = 7200
  token_bound_cidrs        = local.token.cidrs
  token_no_default_policy  = local.one
  token_num_uses           = local.one ? 2 : 0
  token_type               = local.one ? "default-service" : "service"
}

resource "vault_token" "plain" {
  policies     = ["tf"]
  ttl          = "1h"
  display_name = "tf-plain"
  num_uses     = 5
  renewable    = true
  metadata     = { turn = var.turn }
}

resource "vault_token" "wrapped" {
  policies     = ["tf"]
  ttl          = "1h"
  wrapping_ttl = "10m"
  no_parent    = true
}

# Policies and identity

resource "vault_policy" "odd" {
  name   = "tf/Odd Name é"
  policy = <<-EOT
    path "x/+/{{identity.entity.id}}/*" {
      capabilities = ["read", "list"]
      # turn ${var.turn}
    }
  EOT
}

resource "vault_identity_entity" "one" {
  name     = local.one ? "tf-one" : "tf-renamed"
  policies = local.token.policies
  disabled = !local.one
  metadata = local.one ? { team = "blue", role = "x" } : {}
}

resource "vault_identity_entity" "unnamed" {
  external_policies = true
}

resource "vault_identity_entity_policies" "shared" {
  entity_id = vault_identity_entity.unnamed.id
  exclusive = false
  policies  = local.token.policies
}

resource "vault_identity_entity_alias" "one" {
  name            = "tf-alias-${var.turn}"
  canonical_id    = vault_identity_entity.one.id
  mount_accessor  = vault_auth_backend.tuned.accessor
  custom_metadata = { turn = var.turn }
}

resource "vault_identity_group" "parent" {
  name             = "tf-parent"
  member_group_ids = [vault_identity_group.child.id]
  policies         = local.token.policies
}

resource "vault_identity_group" "child" {
  name                       = "tf-child"
  external_policies          = true
  external_member_entity_ids = true
}

resource "vault_identity_group_policies" "child" {
  group_id  = vault_identity_group.child.id
  exclusive = local.one
  policies  = local.token.policies
}

resource "vault_identity_group_member_entity_ids" "child" {
  group_id          = vault_identity_group.child.id
  exclusive         = false
  member_entity_ids = local.one ? [vault_identity_entity.one.id, vault_identity_entity.unnamed.id] : [vault_identity_entity.one.id]
}

resource "vault_identity_group" "external" {
  type     = "external"
  name     = "tf-external"
  metadata = { turn = var.turn }
}

resource "vault_identity_group_alias" "external" {
  name           = "tf-outside-${var.turn}"
  canonical_id   = vault_identity_group.external.id
  mount_accessor = vault_jwt_auth_backend.oidc.accessor
}

resource "vault_identity_oidc" "server" {
  issuer = local.one ? "https://one.test" : "https://two.test"
}

resource "vault_identity_oidc_key" "key" {
  name               = "tf-key"
  algorithm          = local.one ? "RS256" : "EdDSA"
  rotation_period    = local.one ? 3600 : 7200
  verification_ttl   = 7200
  allowed_client_ids = local.one ? ["*"] : ["b", "a"]
}

resource "vault_identity_oidc_role" "role" {
  name      = "tf-role"
  key       = vault_identity_oidc_key.key.name
  client_id = "tf-client"
  ttl       = local.one ? 600 : 1200
  template  = local.one ? "{\"name\": {{identity.entity.name}}}" : null
}

data "vault_identity_entity" "one" {
  entity_name = vault_identity_entity.one.name
}

data "vault_identity_group" "parent" {
  group_name = vault_identity_group.parent.name
}

data "vault_auth_backend" "tuned" {
  path = vault_auth_backend.tuned.path
}

data "vault_auth_backends" "all" {
  type       = "azure"
  depends_on = [vault_auth_backend.azure]
}

# Secrets

resource "vault_kv_secret_backend_v2" "kv2" {
  mount                = vault_mount.kv2.path
  max_versions         = local.one ? 5 : 7
  delete_version_after = local.one ? 12600 : 0
}

resource "vault_kv_secret_backend_v2" "upgraded" {
  mount        = "secret"
  cas_required = local.one
}

resource "vault_kv_secret_v2" "one" {
  mount               = vault_mount.kv2.path
  name                = "deep/one"
  delete_all_versions = local.one
  data_json           = jsonencode({ text = "x", number = var.turn, list = [1, "two"], deep = { a = null } })
  depends_on          = [vault_kv_secret_backend_v2.kv2]
  custom_metadata {
    max_versions         = 3
    cas_required         = false
    delete_version_after = local.one ? 30 : 60
    data                 = local.one ? { a = "b" } : { c = "d" }
  }
}

resource "vault_kv_secret_v2" "write_only" {
  mount                = vault_mount.kv2.path
  name                 = "write-only"
  data_json_wo         = jsonencode({ pin = "tf-hidden-${var.turn}" })
  data_json_wo_version = var.turn
  depends_on           = [vault_kv_secret_backend_v2.kv2]
}

resource "vault_kv_secret" "v1" {
  path      = "${vault_mount.kv1.path}/deep/one"
  data_json = jsonencode({ turn = var.turn, list = [1] })
}

resource "vault_generic_secret" "v2" {
  path                = "${vault_mount.kv2.path}/generic"
  delete_all_versions = true
  data_json           = jsonencode({ turn = var.turn })
}

data "vault_kv_secrets_list_v2" "kv2" {
  mount      = vault_mount.kv2.path
  depends_on = [vault_kv_secret_v2.one, vault_kv_secret_v2.write_only, vault_generic_secret.v2]
}

data "vault_kv_secret_subkeys_v2" "one" {
  mount = vault_mount.kv2.path
  name  = vault_kv_secret_v2.one.name
}

data "vault_generic_secret" "v1" {
  path = vault_kv_secret.v1.path
}

resource "vault_transit_secret_backend_key" "key" {
  backend          = vault_mount.transit.path
  name             = "tf"
  type             = "aes256-gcm96"
  deletion_allowed = true
}

# Limits

resource "vault_quota_rate_limit" "all" {
  name           = "tf-all"
  path           = ""
  rate           = local.one ? 10000.5 : 20000
  interval       = local.one ? 1 : 60
  block_interval = local.one ? 0 : 30
}

resource "vault_quota_rate_limit" "role" {
  name = "tf-role"
  path = "auth/${vault_auth_backend.plain.path}/"
  role = vault_approle_auth_backend_role.kept.role_name
  rate = 100
}

output "names" {
  value     = data.vault_kv_secrets_list_v2.kv2.names
  sensitive = true
}
