"""Tags of a project: names by which its secrets can be told apart. One document a project.

Their paths are judged as everything of the project is: by the path `organization/projects/<id>/tags`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.projects import resolve_project
from vaultlike.builtin.organization.secrets.wire import TagShown
from vaultlike.builtin.organization.wire import Wire
from vaultlike.clock import rfc3339
from vaultlike.errors import Invalid, NotFound
from vaultlike.sdk import Call, Storage, delete, patch, read, write

MAX_TAGS = 1000  # of a project
MAX_TEXT = 64  # characters of a slug, name or color
_SLUG = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class Tag(Struct, frozen=True):
    """A tag as it is kept; times in Unix seconds."""

    id: str
    slug: str
    name: str
    color: str
    created_at: float
    updated_at: float

    def shown(self) -> TagShown:
        """As a secret shows it."""
        return TagShown(id=self.id, slug=self.slug, name=self.name, color=self.color or None)


class TagFields(Wire, omit_defaults=True, kw_only=True):
    """What a tag is; a name that is not sent is the slug."""

    slug: Annotated[str | UnsetType, Meta(description="Lower-case letters, digits, dashes; unique in the project.")] = (
        UNSET
    )
    name: Annotated[str | UnsetType, Meta(description="What people call it.")] = UNSET
    color: Annotated[str | UnsetType, Meta(description="A color such as `#aabbcc`.")] = UNSET


class TagResource(Wire, kw_only=True):
    """A tag with everything about it."""

    id: str
    slug: str
    name: str
    color: str
    project_id: str
    created_at: str
    updated_at: str


class TagsShown(Wire, kw_only=True):
    """The tags of a project."""

    tags: list[TagResource]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Tag, ...]).decode


def _shown(raw: bytes) -> dict[str, TagShown]:
    return {tag.id: tag.shown() for tag in _decode(raw)}


async def tags_of(storage: Storage, project: str) -> Mapping[str, TagShown]:
    """A project's tags by id, as secrets show them; costs no read while the configuration stays as it is."""
    return await storage.cached(f"tags/{project}", _shown) or {}


class TagPaths(Part):
    """`projects/<id>/tags`."""

    @read("projects/{project:any}/tags")
    async def list_tags(self, call: Call) -> TagsShown:
        """Lists the tags of a project."""
        project = await self._project(call)
        return TagsShown(tags=[_resource(project, tag) for tag in await self._tags(project)])

    @write("projects/{project:any}/tags")
    async def create_tag(self, call: Call, body: TagFields) -> TagResource:
        """Makes a tag."""
        project, now = await self._project(call), self.ctx.clock.now()
        if body.slug is UNSET:
            raise Invalid("slug is required")
        random = self.ctx.random(16).hex()
        identity = f"{random[:8]}-{random[8:12]}-4{random[13:16]}-a{random[17:20]}-{random[20:]}"
        made = _checked(Tag(identity, body.slug, body.name or body.slug, body.color or "", now, now))

        def add(tags: list[Tag]) -> list[Tag]:
            if len(tags) >= MAX_TAGS:
                raise Invalid(f"A project has at most {MAX_TAGS} tags")
            return [*tags, made]

        await self._change(project, add)
        return _resource(project, made)

    @read("projects/{project:any}/tags/{tag:any}")
    async def read_tag(self, call: Call) -> TagResource:
        """Reads a tag by its id or slug."""
        project = await self._project(call)
        return _resource(project, _named(await self._tags(project), call.params["tag"]))

    @patch("projects/{project:any}/tags/{tag:any}")
    async def update_tag(self, call: Call, body: TagFields) -> TagResource:
        """Changes a tag; secrets keep it."""
        project, now = await self._project(call), self.ctx.clock.now()
        given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}

        def edit(tags: list[Tag]) -> list[Tag]:
            old = _named(tags, call.params["tag"])
            new = _checked(msgspec.structs.replace(old, **given, updated_at=now))
            return [new if tag.id == old.id else tag for tag in tags]

        before = _named(await self._tags(project), call.params["tag"])
        return _resource(project, _named(await self._change(project, edit), before.id))

    @delete("projects/{project:any}/tags/{tag:any}")
    async def delete_tag(self, call: Call) -> TagResource:
        """Deletes a tag; secrets lose it."""
        project = await self._project(call)
        gone: list[Tag] = []

        def remove(tags: list[Tag]) -> list[Tag]:
            gone[:] = [_named(tags, call.params["tag"])]
            return [tag for tag in tags if tag.id != gone[0].id]

        await self._change(project, remove)
        return _resource(project, gone[0])

    async def _project(self, call: Call) -> str:
        return (await resolve_project(self.ctx.storage, call.params["project"])).id

    async def _tags(self, project: str) -> list[Tag]:
        raw = await self.ctx.storage.get(f"tags/{project}")
        return list(_decode(raw)) if raw is not None else []

    async def _change(self, project: str, edit: Callable[[list[Tag]], list[Tag]]) -> list[Tag]:
        def apply(raw: bytes | None) -> bytes:
            tags = edit(list(_decode(raw)) if raw is not None else [])
            slugs = [tag.slug for tag in tags]
            if len(set(slugs)) < len(slugs):
                raise Invalid("A tag with this slug exists already")
            return _encode(tags)

        raw = await self.ctx.storage.update(f"tags/{project}", apply)
        return list(_decode(raw)) if raw is not None else []


def _named(tags: list[Tag], reference: str) -> Tag:
    for tag in tags:
        if reference in (tag.id, tag.slug):
            return tag
    raise NotFound(f"Tag '{reference[:MAX_TEXT]}' not found")


def _checked(tag: Tag) -> Tag:
    """Raises Invalid for what is no tag."""
    if not 0 < len(tag.slug) <= MAX_TEXT or not _SLUG.issuperset(tag.slug):
        raise Invalid(f"A tag's slug has 1 to {MAX_TEXT} lower-case letters, digits, dashes and underscores")
    for text in (tag.name, tag.color):
        if len(text) > MAX_TEXT or not text.isprintable():
            raise Invalid(f"A tag's name and color have at most {MAX_TEXT} characters")
    return tag


def _resource(project: str, tag: Tag) -> TagResource:
    return TagResource(
        id=tag.id, slug=tag.slug, name=tag.name, color=tag.color, project_id=project,
        created_at=rfc3339(tag.created_at), updated_at=rfc3339(tag.updated_at),
    )  # fmt: skip
