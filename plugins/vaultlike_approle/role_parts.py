"""One path per field of a role: read it, set it, put it back to its default (spec/auth-methods.md 4a).

A table of the fields and one implementation; each rule that only one of them has is named in its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, get_type_hints

import msgspec
from msgspec import UNSET, Struct, field
from msgspec.structs import replace

from vaultlike.errors import Invalid, UnsupportedPath
from vaultlike.sdk import Answer, Call
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.login import follow_deprecated
from vaultlike.sdk.routes import Route
from vaultlike_approle.role import Role

if TYPE_CHECKING:
    from vaultlike_approle.backend import Approle

_HINTS = get_type_hints(Role, include_extras=True)
OLD_CIDRS = 'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.'


def _fold_policies(given: dict[str, object]) -> None:
    for name, value in given.items():
        if isinstance(value, tuple):
            given[name] = tuple(sorted({str(item).strip().lower() for item in value} - {""}))


def _check_ttl(role: Role) -> None:
    if role.token_max_ttl and role.token_ttl > role.token_max_ttl:
        raise Invalid("token_ttl should not be greater than token_max_ttl")


def _check_max_ttl(role: Role) -> None:
    if role.token_ttl > role.token_max_ttl:
        raise Invalid("token_max_ttl should be greater than or equal to token_ttl")


def check_said(given: dict[str, object]) -> None:
    """Networks that are said must not be none; not to say any changes nothing. Raises Invalid."""
    if given and not given["secret_id_bound_cidrs"]:
        raise Invalid("missing bound_cidr_list")


def _nothing(_: object) -> None:
    """No rule."""


class RolePart(Struct, frozen=True, kw_only=True):
    """One field of a role under a path of its own; `names` are the field and its deprecated twin.

    `needed`: a write must say it, and is told so by its name or `called`. `empty_is_null`: empty reads null. `settle`
    puts what was sent in order, `rule` judges the role after a write of the field.
    """

    path: str
    names: tuple[str, ...]
    defaults: Mapping[str, object]
    needed: bool = True
    called: str = ""
    empty_is_null: bool = False
    settle: Callable[[dict[str, object]], None] = _nothing
    rule: Callable[[Role], None] = _nothing
    body: type[Struct] = field(default=Struct)

    async def read(self, backend: Approle, call: Call) -> Answer:
        """The field; the deprecated twin only when it was used."""
        role = await backend.roles.find(backend.ctx, call.params["role_name"])
        if role is None:
            return None
        shown: dict[str, object] = {}
        for position, name in enumerate(self.names):
            value = getattr(role, name)
            if position and (value is UNSET or not value):
                continue
            shown[name] = None if self.empty_is_null and not value else value
        return shown

    async def write(self, backend: Approle, call: Call) -> Answer:
        """Sets the field."""
        given = fields_of(self.body).given(call.data)
        follow_deprecated(given)
        given = {name: value for name, value in given.items() if name in self.names}

        def change(role: Role) -> Role:
            self.settle(given)
            if not given and self.needed:
                raise Invalid(f"missing {self.called or self.names[0]}")
            new = replace(role, **given)
            self.rule(new)
            return new

        await backend.roles.edit(backend.ctx, call.params["role_name"], change)
        return None

    async def reset(self, backend: Approle, call: Call) -> Answer:
        """Puts the field back to its default; fine for a role that is not there."""
        try:
            name = call.params["role_name"]
            await backend.roles.edit(backend.ctx, name, lambda role: replace(role, **self.defaults))
        except UnsupportedPath:
            pass
        return None

    def routes(self) -> list[Route]:
        """The routes of the field."""
        pattern = f"role/{{role_name}}/{self.path}"
        what = self.names[0]
        return [
            Route(pattern=pattern, verb="read", handler=self.read, summary=f"Reads {what} of a role."),
            Route(
                pattern=pattern, verb="write", handler=self.write, declares=self.body,
                summary=f"Sets {what} of a role.",
            ),
            Route(pattern=pattern, verb="delete", handler=self.reset, summary=f"Resets {what} of a role."),
        ]  # fmt: skip


def _part(path: str, *names: str, **facts: object) -> RolePart:
    default = Role()
    defaults = {name: getattr(default, name) for name in names}
    body = msgspec.defstruct(
        "".join(word.title() for word in path.split("-")) + "Body",
        [(name, _HINTS[name], UNSET) for name in names],
        kw_only=True,
    )
    return RolePart(path=path, names=names, defaults=defaults, body=body, **facts)  # type: ignore[arg-type]  # the table's


PARTS = (
    _part("policies", "token_policies", "policies", settle=_fold_policies),
    _part("period", "token_period", "period", called="period"),
    _part("token-ttl", "token_ttl", rule=_check_ttl),
    _part("token-max-ttl", "token_max_ttl", rule=_check_max_ttl),
    _part("token-num-uses", "token_num_uses"),
    _part("token-bound-cidrs", "token_bound_cidrs", needed=False, empty_is_null=True),
    _part("bind-secret-id", "bind_secret_id"),
    _part("secret-id-num-uses", "secret_id_num_uses"),
    _part("secret-id-ttl", "secret_id_ttl"),
    _part("secret-id-bound-cidrs", "secret_id_bound_cidrs", needed=False, settle=check_said),
)
