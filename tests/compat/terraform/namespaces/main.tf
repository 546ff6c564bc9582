# Namespaces inside each other, by somebody who logs in with a password and is no root.

terraform {
  required_providers {
    vault = { source = "hashicorp/vault" }
  }
}
provider "vault" {
  auth_login_userpass {
    mount    = "people"
    username = "builder"
    password = "tf-hidden"
  }
}
variable "turn" { type = number }

resource "vault_namespace" "team" {
  path            = "team"
  custom_metadata = { turn = var.turn }
}
resource "vault_namespace" "child" {
  namespace = vault_namespace.team.path
  path      = "child"
}
resource "vault_policy" "inside" {
  namespace = vault_namespace.child.path_fq
  name      = "inside"
  policy    = "path \"x\" { capabilities = [\"read\"] }"
}
resource "vault_mount" "inside" {
  namespace = vault_namespace.team.path_fq
  path      = "kv"
  type      = "kv"
  options   = { version = "2" }
}
resource "vault_kv_secret_v2" "inside" {
  namespace = vault_namespace.team.path_fq
  mount     = vault_mount.inside.path
  name      = "one"
  data_json = jsonencode({ turn = var.turn })
}
resource "vault_auth_backend" "inside" {
  namespace = vault_namespace.child.path_fq
  type      = "userpass"
}
resource "vault_identity_entity" "inside" {
  namespace = vault_namespace.child.path_fq
  name      = "inside"
}
data "vault_namespaces" "below" {
  recursive  = true
  depends_on = [vault_namespace.child]
}
output "below" { value = data.vault_namespaces.below.paths_fq }
