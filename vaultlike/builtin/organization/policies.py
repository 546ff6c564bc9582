"""How the policies are called that this engine writes. Names that begin so are its own: it replaces what is there."""

from __future__ import annotations

OF_ORGANIZATION = "organization-role-"  # + role
OF_PROJECT = "organization-project-"  # + project + "-" + role: shared by all who hold just this role
OF_MEMBER = "organization-member-"  # + project + "-" + identity: for several roles, or for one that ends
