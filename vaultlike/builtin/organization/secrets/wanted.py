"""Which secrets of a folder a list is to show: by tag and by metadata (spec/infisical.md 4). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vaultlike.builtin.organization.secrets.content import Content
from vaultlike.builtin.organization.secrets.wire import SecretsQuery, TagShown
from vaultlike.errors import Invalid

MAX_FILTERS = 10  # pairs of metadata, tags


class Wanted(Struct, frozen=True):
    """A list's filters; an empty one lets everything through."""

    tags: frozenset[str] = frozenset()  # slugs
    metadata: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, query: SecretsQuery) -> Wanted:
        """The filters of a request. Raises Invalid for a metadata filter that cannot be read."""
        tags = frozenset(slug for part in query.tag_slugs.split(",") if (slug := part.strip()))
        metadata = tuple(_pair(text) for text in query.metadata_filter.split("|") if text.strip())
        if len(metadata) > MAX_FILTERS or len(tags) > MAX_FILTERS * MAX_FILTERS:
            raise Invalid(f"You can only filter by up to {MAX_FILTERS} metadata fields")
        return cls(tags, metadata)

    def fits(self, content: Content, tags: Mapping[str, TagShown]) -> bool:
        """Whether a secret is to be shown; `tags` are the project's, by id."""
        if self.tags and not any(tags[tag].slug in self.tags for tag in content.tags if tag in tags):
            return False
        return not self.metadata or any((one.key, one.value) in self.metadata for one in content.metadata)


def _pair(text: str) -> tuple[str, str]:
    """`key=a,value=b` as a pair."""
    named = {
        name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in text.split(","))
    }
    if not named.get("key") or not named.get("value") or len(named) > 2:
        raise Invalid(
            "Invalid metadataFilter format. Correct format is key=<key>,value=<value>|key=<key>,value=<value>"
        )
    return named["key"], named["value"]
