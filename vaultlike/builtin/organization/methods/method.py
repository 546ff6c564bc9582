"""What one method of identities is: its fields, and how they become the configuration of its plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, Literal, TypeVar

from msgspec import Struct

from vaultlike.builtin.organization.methods.access import CAP, AccessFields, partial
from vaultlike.builtin.organization.methods.reach import Reach
from vaultlike.builtin.organization.places import FOLDER, METHODS
from vaultlike.mounts.entry import LockoutSettings
from vaultlike.sdk.resources import decoder

F = TypeVar("F", bound=AccessFields)


class Step(Struct, frozen=True, kw_only=True):
    """A request to the plugin, on a path relative to its mount (or to the identity's instance of it)."""

    path: str
    data: dict[str, object]
    verb: Literal["write", "delete"] = "write"


class Attachment(Struct, Generic[F], frozen=True, kw_only=True):
    """The document of one method of one identity. Times in Unix seconds."""

    id: str
    identity: str
    created_at: float
    updated_at: float
    fields: F


class Method(Generic[F]):
    """One method. `name` is the API's (`azure-auth`), `title` its name in texts, `plugin` the mount type behind it
    (none: its tokens are the organization's own), `fields` what an attachment says.

    `instances`: whether each identity has a configuration of the plugin of its own; otherwise all share one mount, with
    a role each. Stateless.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    plugin: ClassVar[str]
    instances: ClassVar[bool] = True
    longest: ClassVar[int] = CAP  # what the mount is tuned to, in seconds
    fields: type[F]

    def __init__(self) -> None:
        self.decode = decoder(Attachment[self.fields])  # type: ignore[name-defined]
        self.update = partial(self.fields)  # the body of an update: nothing has to be sent

    @property
    def mount(self) -> str:
        """Where its plugin is mounted."""
        return f"{METHODS}{self.plugin}/"

    def folder(self, identity: str) -> str:
        """Where the plugin's storage for an identity begins, in that of the mount."""
        return f"{FOLDER}{identity}/" if self.instances else ""

    def checked(self, fields: F, before: Attachment[F] | None, reach: Reach) -> F:
        """The fields completed; `before` is what an update changes, `reach` where the plugin may connect to. Raises
        Invalid for what the plugin cannot know to be wrong."""
        return fields

    def steps(self, identity: str, fields: F) -> Sequence[Step]:
        """What to ask of the plugin, so that the identity can log in as its fields say."""
        raise NotImplementedError

    def removal(self, identity: str) -> Sequence[Step]:
        """What to ask of the plugin where its mount is shared, so that the identity cannot log in any more."""
        return (Step(path=f"role/{identity}", data={}, verb="delete"),)

    def lockout(self, fields: F) -> LockoutSettings | None:
        """When wrong credentials lock an address out; None where there is nothing to guess."""
        return None

    def remarks(self, fields: F) -> list[str]:
        """What the operator should know of a configuration that is accepted all the same: warnings, and the log."""
        return []

    def identity_auth(self, metadata: Mapping[str, str]) -> dict[str, object]:
        """What an access token says of how its identity logged in, from the metadata that the plugin gave the token."""
        return {}

    def shown(self, attachment: Attachment[F]) -> dict[str, object]:
        """More that a read shows, beside the fields."""
        return {}
