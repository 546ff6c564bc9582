"""Resource ids of Azure, taken apart: compared piece by piece, never as texts within texts.

`.../virtualMachines/vm` is not `.../virtualMachines/vm2`, and a resource group is the segment behind `resourceGroups`,
whatever else an id contains (spec/azure.md 2.4, weaknesses).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from msgspec import Struct

MAX_ID: Final = 2048  # characters
_ID: Final = re.compile(
    r"/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/resourceGroups/([\w\-.()]*[\w\-()])"
    r"/providers/([A-Za-z][A-Za-z0-9.]*)((?:/[A-Za-z][A-Za-z0-9.]*/[\w\-.() ]*[\w\-()])+)/?",
    re.IGNORECASE,
)
IDENTITY_TYPE: Final = "microsoft.managedidentity/userassignedidentities"
VM_TYPE: Final = "microsoft.compute/virtualmachines"
VMSS_TYPE: Final = "microsoft.compute/virtualmachinescalesets"


def fold(text: str) -> str:
    """How names in Azure compare: without regard to case."""
    return text.casefold()


class ResourceId(Struct, frozen=True, kw_only=True):
    """One resource. The spelling is kept; comparisons fold."""

    subscription: str
    group: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        """Namespace and nested types, folded: `microsoft.web/sites/slots`."""
        return fold("/".join((self.namespace, *self.types)))

    @property
    def relative_type(self) -> str:
        """The types without the namespace as the provider lists them: `sites/slots`."""
        return "/".join(self.types)

    @property
    def name(self) -> str:
        return self.names[-1]

    @property
    def is_identity(self) -> bool:
        return self.type == IDENTITY_TYPE

    @property
    def path(self) -> str:
        """The id as a URL path, each segment percent-encoded."""
        pairs = zip(self.types, self.names, strict=True)
        tail = "".join(f"/{quote(kind, safe='')}/{quote(name, safe='')}" for kind, name in pairs)
        return f"{group_path(self.subscription, self.group)}/providers/{quote(self.namespace, safe='')}{tail}"

    def same(self, other: ResourceId) -> bool:
        """Whether both name the same resource."""
        return (
            self.in_group(other.subscription, other.group)
            and self.type == other.type
            and tuple(map(fold, self.names)) == tuple(map(fold, other.names))
        )

    def in_group(self, subscription: str, group: str) -> bool:
        return fold(self.subscription) == fold(subscription) and fold(self.group) == fold(group)

    def is_machine(self, name: str) -> bool:
        """Whether this is the virtual machine of that name."""
        return self.type == VM_TYPE and fold(self.names[0]) == fold(name)

    def is_of_scale_set(self, name: str) -> bool:
        """Whether this is the scale set of that name or one of its machines.

        A machine of a flexible set is a virtual machine called `<set>_<suffix>`. The suffix has no underscore, so the
        machines of set `a_b` are not taken for those of set `a`.
        """
        if self.types and fold(f"{self.namespace}/{self.types[0]}") == VMSS_TYPE:
            return fold(self.names[0]) == fold(name) and fold("/".join(self.types[1:])) in ("", "virtualmachines")
        prefix, _, suffix = self.names[0].rpartition("_")
        return self.type == VM_TYPE and bool(suffix) and fold(prefix) == fold(name)


def group_path(subscription: str, group: str) -> str:
    """The URL path of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{quote(group, safe='')}"


def parse_resource_id(text: str) -> ResourceId | None:
    """The parts of a resource id, None when the text is not one. Queries, fragments, dot segments are not."""
    if not text or len(text) > MAX_ID:
        return None
    match = _ID.fullmatch(text)
    if match is None:
        return None
    rest = match[4].split("/")[1:]
    # ignoring case, a pattern takes U+017F for s and U+212A for k; names of groups and resources may be any letters
    if not all(part.isascii() for part in (match[3], *rest[0::2])):
        return None
    return ResourceId(
        subscription=match[1], group=match[2], namespace=match[3], types=tuple(rest[0::2]), names=tuple(rest[1::2])
    )
