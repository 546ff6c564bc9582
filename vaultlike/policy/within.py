"""The decisions of a parent namespace's policies, about paths of a namespace below it (spec/vault-api.md 5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from vaultlike.policy.acl import ACL, Decision, Rule


class Within(ACL):
    """Decides as `whole` does, where every path is meant below `prefix` (which ends with a slash)."""

    __slots__ = ("_prefix", "_whole")

    def __init__(self, whole: ACL, prefix: str) -> None:
        super().__init__((), is_root=whole.is_root, expires_at=whole.expires_at)
        self._whole, self._prefix = whole, prefix

    def check(
        self,
        operation: str,
        path: str,
        data: Mapping[str, object] | None = None,
        wrap_ttl: float | None = None,
    ) -> Decision:
        """Decides one request about a path of the inner namespace."""
        return self._whole.check(operation, self._prefix + path, data, wrap_ttl)

    def capabilities(self, path: str) -> list[str]:
        """What `sys/capabilities` answers for a path of the inner namespace."""
        return self._whole.capabilities(self._prefix + path.lstrip("/"))

    def any_access_below(self, prefix: str) -> bool:
        """Whether anything at or below `prefix` of the inner namespace is granted at all."""
        return self._whole.any_access_below(self._prefix + prefix)

    def rules(self) -> Iterator[Rule]:
        """The rules about the inner namespace alone, by pattern as it is written there."""
        for rule in self._whole.rules():
            if rule.pattern.startswith(self._prefix):
                yield replace(rule, pattern=rule.pattern[len(self._prefix) :])


NOTHING = ACL(())
