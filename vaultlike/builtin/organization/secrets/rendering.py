"""Secrets as both faces show them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

from vaultlike.builtin.organization.secrets.content import Content
from vaultlike.builtin.organization.secrets.names import shown_path
from vaultlike.builtin.organization.secrets.scope import Scope
from vaultlike.builtin.organization.secrets.wire import SecretShown, TagShown
from vaultlike.clock import rfc3339
from vaultlike.engines.kv.record import Record

HIDDEN = "<hidden-by-infisical>"  # what the second API's clients know as a masked value


@lru_cache(maxsize=4096)
def uuid_of(*names: str) -> str:
    """A UUID that always comes out the same for the same names (version 8, RFC 9562 5.8)."""
    digits = blake2b("\0".join(names).encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def show(
    scope: Scope,
    name: str,
    record: Record,
    number: int,
    content: Content,
    tags: Mapping[str, TagShown],
    *,
    hidden: bool = False,
) -> SecretShown:
    """Version `number` of the secret `name` in the scope's folder; `tags` are the project's, by id."""
    value = content.value
    identity = uuid_of("secret", record.store)
    version = record.versions.get(number)
    created_at = rfc3339(record.created_at)
    changed = version.created_at if version is not None else record.updated_at
    return SecretShown(
        id=identity,
        also_id=identity,
        workspace=scope.project.id,
        project_id=scope.project.id,
        environment=scope.environment.slug,
        version=number,
        secret_key=name,
        secret_value=HIDDEN if hidden or not isinstance(value, str) else value,
        secret_value_hidden=hidden,
        secret_comment=content.comment,
        secret_reminder_note=content.reminder_note,
        secret_reminder_repeat_days=content.reminder_repeat_days,
        skip_multiline_encoding=content.skip_multiline_encoding,
        created_at=created_at,
        updated_at=created_at if changed == record.created_at else rfc3339(changed),
        secret_path=shown_path(scope.folder),
        secret_metadata=content.metadata,
        tags=tuple(tags[tag] for tag in content.tags if tag in tags) if content.tags else (),
    )
