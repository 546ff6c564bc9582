"""The bodies, queries and answers about secrets, named as the second API names them (spec/infisical.md 4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from vaultlike.builtin.organization.wire import Wire
from vaultlike.types import Strings


class Whose(Wire, omit_defaults=True, kw_only=True):
    """Which environment of which project; an id goes before a slug, and empty ones count as not sent."""

    project_id: Annotated[str, Meta(description="The project's id.")] = ""
    project_slug: Annotated[str, Meta(description="The project's slug, where no id is given.")] = ""
    workspace_id: Annotated[str, Meta(description="The older name of `projectId`.")] = ""
    workspace_slug: Annotated[str, Meta(description="The older name of `projectSlug`.")] = ""
    environment: Annotated[str, Meta(description="The environment's slug.")] = ""


class Location(Whose, omit_defaults=True, kw_only=True):
    """Which folder."""

    secret_path: Annotated[str, Meta(description="The folder, such as `/` or `/api/db`.")] = "/"
    type: Annotated[str, Meta(description="`shared`; machine identities have no `personal` secrets.")] = "shared"


class SecretQuery(Location, omit_defaults=True, kw_only=True):
    """How one secret is to be read."""

    version: Annotated[int, Meta(description="The version; the newest where it is 0.")] = 0
    view_secret_value: Annotated[bool, Meta(description="`false` masks values.")] = True
    expand_secret_references: Annotated[bool, Meta(description="Whether `${NAME}` and the like are replaced.")] = False
    include_imports: Annotated[bool, Meta(description="Whether folders that the folder imports are looked at.")] = False
    also_imports: Annotated[bool, Meta(description="The same as `includeImports`.")] = field(
        default=False, name="include_imports"
    )

    @property
    def imports(self) -> bool:
        """Whether imports count, whichever way it was written."""
        return self.include_imports or self.also_imports


class SecretsQuery(SecretQuery, omit_defaults=True, kw_only=True):
    """Which secrets of a folder are to be listed."""

    recursive: Annotated[bool, Meta(description="Whether the folders inside are listed too.")] = False
    tag_slugs: Annotated[str, Meta(description="Only secrets with one of these tags: slugs with commas.")] = ""
    metadata_filter: Annotated[
        str, Meta(description="Only secrets with one of these metadata: `key=<k>,value=<v>`, several with `|`.")
    ] = ""


class Metadata(Wire, omit_defaults=True, kw_only=True):
    """One pair that is kept with a secret; everything is encrypted here, whatever `isEncrypted` says."""

    key: Annotated[str, Meta(min_length=1, max_length=255)]
    value: Annotated[str, Meta(max_length=1020)] = ""
    is_encrypted: bool = False


class SecretFields(Location, omit_defaults=True, kw_only=True):
    """What a secret holds besides its value; what is not named stays as it is."""

    secret_comment: Annotated[str | UnsetType, Meta(description="Words about the secret.")] = UNSET
    skip_multiline_encoding: Annotated[
        bool | UnsetType | None, Meta(description="For clients that write files: leave line breaks as they are.")
    ] = UNSET
    tag_ids: Annotated[Strings | UnsetType, Meta(description="The ids of the secret's tags.")] = UNSET
    secret_metadata: Annotated[
        tuple[Metadata, ...] | UnsetType, Meta(description="Pairs of `key` and `value` to keep with the secret.")
    ] = UNSET
    secret_reminder_note: Annotated[str | UnsetType | None, Meta(description="What a reminder says.")] = UNSET
    secret_reminder_repeat_days: Annotated[
        int | UnsetType | None, Meta(description="After how many days to be reminded. Kept, and sent by nobody here.")
    ] = UNSET


class NewSecret(SecretFields, omit_defaults=True, kw_only=True):
    """A secret to be made."""

    secret_value: Annotated[str, Meta(description="The value, kept as it is sent.")]


class SecretChange(SecretFields, omit_defaults=True, kw_only=True):
    """What is to be another of a secret."""

    secret_value: Annotated[str | UnsetType, Meta(description="The value, kept as it is sent.")] = UNSET
    new_secret_name: Annotated[str, Meta(description="What the secret shall be called from now on.")] = ""


class BatchNew(SecretFields, omit_defaults=True, kw_only=True):
    """One of several secrets to be made."""

    secret_key: str
    secret_value: str


class BatchChange(SecretFields, omit_defaults=True, kw_only=True):
    """One of several secrets to be changed."""

    secret_key: str
    secret_value: str | UnsetType = UNSET
    secret_path: str = ""  # where it is another one than the batch's
    new_secret_name: str = ""


class BatchName(Wire, omit_defaults=True, kw_only=True):
    """One of several secrets to be deleted."""

    secret_key: str
    type: str = "shared"


class NewSecrets(Location, omit_defaults=True, kw_only=True):
    """Several secrets to be made in one folder, all or none."""

    secrets: Annotated[tuple[BatchNew, ...], Meta(description="The secrets.", min_length=1, max_length=1000)]


class SecretChanges(Location, omit_defaults=True, kw_only=True):
    """Several secrets to be changed, all or none."""

    secrets: Annotated[tuple[BatchChange, ...], Meta(description="The changes.", min_length=1, max_length=1000)]
    mode: Annotated[
        str, Meta(description="What an absent secret means: `failOnNotFound`, `ignore` or `upsert` (it is made).")
    ] = "failOnNotFound"


class SecretNames(Location, omit_defaults=True, kw_only=True):
    """Several secrets to be deleted, all or none."""

    secrets: Annotated[tuple[BatchName, ...], Meta(description="Their names.", min_length=1, max_length=1000)]


class TagShown(Wire, kw_only=True):
    """A tag as a secret shows it."""

    id: str
    slug: str
    name: str
    color: str | None = None


class SecretShown(Wire, kw_only=True):
    """A secret as both faces show it (spec/infisical.md 4)."""

    id: str
    also_id: str = field(name="_id")  # the legacy Python SDK reads this one
    workspace: str
    project_id: str
    environment: str
    version: int
    type: str = "shared"
    secret_key: str
    secret_value: str
    secret_comment: str
    secret_reminder_note: str | None = None
    secret_reminder_repeat_days: int | None = None
    skip_multiline_encoding: bool = False
    created_at: str
    updated_at: str
    is_rotated_secret: bool = False
    secret_path: str
    secret_value_hidden: bool
    secret_metadata: tuple[Metadata, ...] = ()
    tags: tuple[TagShown, ...] = ()
    metadata: None = None

    def __repr__(self) -> str:
        return f"SecretShown({self.secret_key!r})"


class ImportedShown(Wire, kw_only=True):
    """The secrets of an imported folder."""

    secret_path: str
    environment: str
    folder_id: str
    secrets: list[SecretShown]


class SecretsShown(Wire, kw_only=True):
    """The secrets of a folder, and of the folders that it imports."""

    secrets: list[SecretShown]
    imports: list[ImportedShown]


class SeveralShown(Wire, kw_only=True):
    """The secrets of a batch."""

    secrets: list[SecretShown]
