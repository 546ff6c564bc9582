# A server set up as code: methods and their roles, policies, people and their groups, secrets, audit, limits.
# README.md says how to run it.

terraform {
  required_version = ">= 1.11"
  required_providers {
    vault = {
      source  = "hashicorp/vault"
      version = ">= 5.0"
    }
  }
}

# The address and the token come from VAULT_ADDR and VAULT_TOKEN.
provider "vault" {}

variable "audit_log" {
  description = "File that the audit device appends to; the server must be able to write it."
  type        = string
  default     = "/tmp/vaultlike-terraform-audit.log"
}

variable "token_ttl" {
  description = "Seconds that a token of these roles lives."
  type        = number
  default     = 1200
}

variable "team" {
  description = "Who owns all this."
  type        = string
  default     = "blue"
}

variable "password" {
  description = "The password of the person alice. It is written and never read or stored."
  type        = string
  default     = "correct horse battery staple"
  sensitive   = true
  ephemeral   = true
}
