"""Users: the hash of a password and the token that it gets (spec/auth-methods.md 11)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.sdk import Answer, Backend, Call, Collection, Context, TokenParams
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.login import DEPRECATED
from vaultlike.types import NO_SECRET, Names, Secret

FIELD_TEXT = 'error converting input for field "{field}": {problem}'
NOT_OURS = ("period", "num_uses")  # deprecated names that this method never had


class User(TokenParams, kw_only=True):
    """One user; `password` is only ever sent, what is kept is `password_hash`."""

    password: Annotated[Secret, Meta(description="New password; never shown.")] = NO_SECRET
    password_hash: Annotated[Secret, Meta(description="bcrypt hash of the password, instead of it.")] = NO_SECRET


class PasswordBody(Struct, kw_only=True):
    """A change of the password."""

    password: Annotated[Secret, Meta(description="New password; never shown.")] = NO_SECRET
    password_hash: Annotated[Secret, Meta(description="bcrypt hash of the password, instead of it.")] = NO_SECRET


class PoliciesBody(Struct, kw_only=True):
    """A change of the policies."""

    token_policies: Annotated[Names | UnsetType, Meta(description="Policies of the token.")] = UNSET
    policies: Annotated[Names | UnsetType, Meta(description="Deprecated: token_policies.")] = UNSET


class LoginBody(Struct, kw_only=True):
    """A login; the name is in the path."""

    password: Annotated[Secret, Meta(description="The user's password.")] = NO_SECRET


class Users(Collection[User]):
    """The users of a mount, by folded name."""

    async def _write(self, backend: Backend, call: Call) -> Answer:
        for name in NOT_OURS:
            call.data.pop(name, None)
        return await super()._write(backend, call)


def show_user(ctx: Context, value: User) -> dict[str, object]:
    """What a read shows: no secrets; deprecated fields only when they say something."""
    shown = fields_of(User).wire(value)
    for name in DEPRECATED:
        if name in shown and not shown[name]:
            del shown[name]
    return shown
