"""azure-auth: a managed identity or service principal of one tenant (spec/infisical.md 1, azure-auth)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, structs

from vaultlike.builtin.organization.methods.access import AccessFields, Text, entries, token_fields
from vaultlike.builtin.organization.methods.method import Attachment, Method, Step
from vaultlike.builtin.organization.methods.reach import Reach
from vaultlike.errors import Invalid

ANY = "*"


class AzureFields(AccessFields, kw_only=True):
    """What an attachment says."""

    tenant_id: Annotated[Text, Meta(description="Tenant that vouches for the machine: its GUID or a domain.")]
    resource: Annotated[Text, Meta(description="Audience that login tokens must name.")]
    allowed_service_principal_ids: Annotated[
        Text, Meta(description="Object ids of those that may log in, with commas; empty: everybody in the tenant.")
    ] = ""
    environment: Annotated[
        Text, Meta(description="Name of the Azure cloud; empty: AZURE_ENVIRONMENT, then the public one.")
    ] = ""


class AzureAuth(Method[AzureFields]):
    """Logins are checked by the azure plugin."""

    name, title, plugin, fields = "azure-auth", "Azure Auth", "azure", AzureFields

    def checked(self, fields: AzureFields, before: Attachment[AzureFields] | None, reach: Reach) -> AzureFields:
        """Trimmed. Raises Invalid for fields whose absence the server's environment would fill."""
        tenant, resource = fields.tenant_id.strip(), fields.resource.strip()
        if not tenant or not resource:
            raise Invalid("tenantId and resource are required")
        allowed = entries(fields.allowed_service_principal_ids, "allowedServicePrincipalIds")
        if ANY in allowed:  # to the plugin that is the wildcard; here it is an id that nobody has
            raise Invalid("allowedServicePrincipalIds are object ids; leave the list empty to admit the whole tenant")
        return structs.replace(
            fields,
            tenant_id=tenant,
            resource=resource,
            allowed_service_principal_ids=", ".join(allowed),
            environment=fields.environment.strip(),
        )

    def steps(self, identity: str, fields: AzureFields) -> Sequence[Step]:
        """Tenant and cloud for the instance, principals and tokens for its only role."""
        allowed = entries(fields.allowed_service_principal_ids, "allowedServicePrincipalIds")
        config = {
            "tenant_id": fields.tenant_id,
            "resource": fields.resource,
            "resource_without_slash": fields.resource.endswith("/"),
            "environment": fields.environment,
        }
        role = {"bound_service_principal_ids": list(allowed) or [ANY], **token_fields(fields)}
        return Step(path="config", data=config), Step(path=f"role/{identity}", data=role)

    def remarks(self, fields: AzureFields) -> list[str]:
        """An empty list is everybody, as the wire has it."""
        if fields.allowed_service_principal_ids:
            return []
        return ["allowedServicePrincipalIds is empty: every identity of the tenant can log in"]
