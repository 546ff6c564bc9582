"""`sys/policies/password`: named rules for generated passwords (spec/vault-api.md 2.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid, InvalidInside, NotFound
from vaultlike.policy.parse import decode_text
from vaultlike.sdk import Call, delete, list_, read, write
from vaultlike.system.part import Part
from vaultlike.system.password_policy import PasswordPolicy, generate, parse_password_policy

FOLDER = "password-policies/"
MAX_NAME = 512  # characters


class PasswordPolicyBody(Struct, kw_only=True):
    """The body of a password policy's write."""

    policy: Annotated[str, Meta(description="The policy in HCL or JSON, plain or in base64.")] = ""


class _NoPolicy(NotFound):
    """No password policy has that name."""

    routed = True
    default = "policy does not exist"


class PasswordPolicies(Part):
    """Rules for generated passwords."""

    @list_("policies/password/")
    async def names(self, call: Call) -> dict[str, object]:
        """Lists the password policies."""
        return {"keys": await self.services.storage.keys(FOLDER)}

    @read("policies/password/{name:rest}/generate")
    async def generated(self, call: Call) -> dict[str, object]:
        """Makes a password."""
        policy = await self.services.storage.cached(FOLDER + _name(call), _decode)
        if policy is None:
            raise _NoPolicy
        return {"password": generate(policy, self.services.random)}

    @read("policies/password/{name:rest}")
    async def one(self, call: Call) -> dict[str, object]:
        """Shows a password policy as it was written."""
        raw = await self.services.storage.get(FOLDER + _name(call))
        if raw is None:
            raise _NoPolicy
        return {"policy": raw.decode()}

    @write("policies/password/{name:rest}")
    async def save(self, call: Call, body: PasswordPolicyBody) -> None:
        """Writes a password policy."""
        if not body.policy:
            raise InvalidInside("missing policy")
        text = decode_text(body.policy)
        try:
            parse_password_policy(text)
        except Invalid as problem:
            raise InvalidInside(*problem.messages) from None
        await self.services.storage.put(FOLDER + _name(call), text.encode())

    @delete("policies/password/{name:rest}")
    async def remove(self, call: Call) -> None:
        """Deletes a password policy. Fine when there is none."""
        await self.services.storage.delete(FOLDER + _name(call))


def _name(call: Call) -> str:
    """The policy's name, without slashes around it. Raises Invalid for none, or one that is too long."""
    name = call.params["name"].strip("/")
    if not name or len(name) > MAX_NAME:
        raise Invalid("policy name must be 1 to 512 characters")
    return name


def _decode(raw: bytes) -> PasswordPolicy:
    return parse_password_policy(raw.decode())
