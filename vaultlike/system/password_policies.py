"""`sys/policies/password`: named rules for generated passwords (spec/vault-api.md 2.4)."""

from __future__ import annotations

from vaultlike.errors import Invalid
from vaultlike.policy.parse import decode_text
from vaultlike.sdk import Answer, Call, delete, list_, read, write
from vaultlike.system.part import Part
from vaultlike.system.password_policy import PasswordPolicy, generate, parse_password_policy
from vaultlike.system.policies import PolicyBody

FOLDER = "password-policies/"


class PasswordPolicies(Part):
    """Rules for generated passwords."""

    @list_("policies/password/")
    async def names(self, call: Call) -> dict[str, object]:
        """Lists the password policies."""
        return {"keys": await self.services.storage.keys(FOLDER)}

    @read("policies/password/{name}")
    async def one(self, call: Call) -> Answer:
        """Shows a password policy as it was written."""
        raw = await self.services.storage.get(FOLDER + call.name)
        return None if raw is None else {"policy": raw.decode()}

    @write("policies/password/{name}")
    async def save(self, call: Call, body: PolicyBody) -> None:
        """Writes a password policy."""
        if not body.policy:
            raise Invalid("missing policy")
        text = decode_text(body.policy)
        parse_password_policy(text)
        await self.services.storage.put(FOLDER + call.name, text.encode())

    @delete("policies/password/{name}")
    async def remove(self, call: Call) -> None:
        """Deletes a password policy. Fine when there is none."""
        await self.services.storage.delete(FOLDER + call.name)

    @read("policies/password/{name}/generate")
    async def generated(self, call: Call) -> Answer:
        """Makes a password."""
        policy = await self.services.storage.cached(FOLDER + call.name, _decode)
        return None if policy is None else {"password": generate(policy, self.services.random)}


def _decode(raw: bytes) -> PasswordPolicy:
    return parse_password_policy(raw.decode())
