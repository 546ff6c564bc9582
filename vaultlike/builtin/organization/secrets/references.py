"""`${NAME}` and `${environment.folder.NAME}` in values, replaced by what they name (spec/infisical.md 4).

A reference that names nothing, or that would go round in a circle or too deep, stays as it is written. Each secret that
is named must be readable for the caller. The work of one request is bounded, whatever the values say.
"""

from __future__ import annotations

import re

from vaultlike.builtin.organization.secrets.content import content_of
from vaultlike.builtin.organization.secrets.names import shown_path
from vaultlike.builtin.organization.secrets.scope import Scope
from vaultlike.engines.kv.versioned import Versioned
from vaultlike.errors import Invalid, PermissionDenied

MAX_DEPTH = 10  # references in what is referred to
MAX_SIZE = 1024 * 1024  # characters of a value with everything replaced
MAX_STEPS = 20_000  # references looked at in one request
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.-]{1,1024})\}")


class References:
    """Replaces references for one request; `start` is the scope that the request is about."""

    def __init__(self, secrets: Versioned, start: Scope) -> None:
        self._secrets, self._start = secrets, start
        self._known: dict[str, str | None] = {}
        self._steps = 0

    async def expand(self, scope: Scope, name: str, value: str) -> str:
        """The value of the secret `name` in `scope` with its references replaced.

        Raises PermissionDenied for a secret that the caller may not read, Invalid where it grows too large.
        """
        if "${" not in value:
            return value
        return await self._replaced(scope, value, (scope.base + name,))

    async def _replaced(self, scope: Scope, value: str, trail: tuple[str, ...]) -> str:
        parts: list[str] = []
        size = end = 0
        for match in _REFERENCE.finditer(value):
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise Invalid(f"The values have more than {MAX_STEPS} references")
            found = await self._found(scope, match[1], trail)
            parts += (value[end : match.start()], match[0] if found is None else found)
            size += len(parts[-1]) + len(parts[-2])
            end = match.end()
            if size > MAX_SIZE:
                raise Invalid(f"With its references replaced, a value has more than {MAX_SIZE} characters")
        return value if not parts else "".join((*parts, value[end:]))

    async def _found(self, scope: Scope, reference: str, trail: tuple[str, ...]) -> str | None:
        """What stands for a reference in `scope`; None leaves it as it is."""
        target, name = self._target(scope, reference)
        if target is None or not name:
            return None
        path = target.base + name
        if path in trail or len(trail) > MAX_DEPTH:
            return None
        if not target.rights.may("read", path):
            raise PermissionDenied(
                reason=f"a value refers to {path}, which the caller may not read",
                data={"reference": reference, "environment": target.environment.slug,
                      "secretPath": shown_path(target.folder), "secretKey": name},
            )  # fmt: skip
        if path not in self._known:
            reading = await self._secrets.read(path)
            value = content_of(reading.data).value if reading is not None and reading.data is not None else None
            self._known[path] = value if isinstance(value, str) else None
        raw = self._known[path]
        if raw is None or "${" not in raw:
            return raw
        return await self._replaced(target, raw, (*trail, path))

    def _target(self, scope: Scope, reference: str) -> tuple[Scope | None, str]:
        """The folder and the name that a reference means."""
        environment, *folders = reference.split(".")
        if not folders:
            return scope, reference
        name = folders.pop()
        if not all(folders):
            return None, ""
        for one in self._start.project.environments:
            if one.slug == environment:
                return scope.at("".join(f"{folder}/" for folder in folders), one), name
        return None, ""
