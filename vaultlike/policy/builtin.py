"""The policies every server has: `root`, `default` (operators may edit it) and `response-wrapping` (spec 5.4)."""

from __future__ import annotations

from typing import Final

from vaultlike.policy.model import Policy

ROOT_POLICY: Final = Policy(name="root", text="")

DEFAULT_POLICY: Final = """\
# Attached to every token unless it asks for no default policy. It may be edited, not deleted.

# A token may look at itself, renew itself and end itself.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }

# It may ask what it is allowed to do.
path "sys/capabilities-self"           { capabilities = ["update"] }
path "sys/internal/ui/resultant-acl"   { capabilities = ["read"] }

# It may read the entity it stands for.
path "identity/entity/id/{{identity.entity.id}}"     { capabilities = ["read"] }
path "identity/entity/name/{{identity.entity.name}}" { capabilities = ["read"] }

# Whoever knows a lease id may look it up and renew it. sys/renew is the old name.
path "sys/leases/lookup" { capabilities = ["update"] }
path "sys/leases/renew"  { capabilities = ["update"] }
path "sys/renew"         { capabilities = ["update"] }

# It has a cubbyhole of its own.
path "cubbyhole/*" { capabilities = ["create", "read", "update", "delete", "list"] }

# It may wrap, look up and unwrap responses.
path "sys/wrapping/wrap"   { capabilities = ["update"] }
path "sys/wrapping/lookup" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }

# It may hash data.
path "sys/tools/hash"   { capabilities = ["update"] }
path "sys/tools/hash/*" { capabilities = ["update"] }

# It may learn the state of an access request whose accessor it knows.
path "sys/control-group/request" { capabilities = ["update"] }

# It may log in to applications through an OIDC provider.
path "identity/oidc/provider/+/authorize" { capabilities = ["read", "update"] }
"""

RESPONSE_WRAPPING_POLICY: Final = """\
path "cubbyhole/response"  { capabilities = ["create", "read"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }
"""
