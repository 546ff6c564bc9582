"""The namespaces of a server: one document that names them, and which of them a request is about.

A namespace is named by its path, known by its id. Stored things carry the id: it never changes and is never a prefix of
another. Owns neither what is inside a namespace nor who may enter it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid, NotFound, Unavailable
from vaultlike.storage.engine import Conflict
from vaultlike.storage.view import View

KEY = "namespaces"
RESERVED = frozenset(("root", "sys", "audit", "auth", "cubbyhole", "identity"))
ID_LENGTH = 5  # letters; they end the texts of its tokens (spec/vault-api.md 3.3)
UNLOCK = "sys/namespaces/api-lock/unlock"
ALWAYS = frozenset(("sys/health", "sys/seal-status", "sys/leader"))  # what clients ask before anything else
LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MAX_NAME = 128  # characters of one step of a path
MAX_DEPTH = 16  # steps
MAX_NAMESPACES = 5000


class Namespace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One namespace. `id` and `path` of the root are empty; other paths end with a slash.

    `tainted`: its deletion has begun; nobody finds it any more, and it can only be deleted again. `lock`: a digest of
    the key that opens it to requests again; empty while it is open.
    """

    id: str = ""
    uuid: str = ""
    path: str = ""
    custom_metadata: dict[str, str] = {}
    tainted: bool = False
    lock: str = ""

    @property
    def shown_id(self) -> str:
        """The id as the API shows it."""
        return self.id or "root"

    def covers(self, other: Namespace) -> bool:
        """Whether `other` is this one or lies below it: then tokens of this one may work there."""
        return other.path.startswith(self.path)  # whole steps: paths end with a slash


ROOT = Namespace()
Edit = Callable[[list[Namespace]], list[Namespace]]
_decode = msgspec.json.Decoder(list[Namespace]).decode


def check_step(name: str) -> None:
    """Raises Invalid for more than one step: a namespace is made, read and deleted in its parent."""
    if "/" in name:
        raise Invalid("namespace name cannot contain /")


def check_free_word(name: str) -> None:
    """Raises Invalid for the first step of a path that is the server's own."""
    if name in RESERVED:
        raise Invalid(f'"{name}/" is a reserved path and cannot be used as a namespace name')


def check_name(name: str) -> None:
    """Raises Invalid for what cannot be one step of a namespace's path."""
    check_step(name)
    check_free_word(name)
    if any(letter.isspace() for letter in name):
        raise Invalid(f'"{name[:MAX_NAME]}" contains space characters that cannot be used in a namespace name')
    if not name or len(name) > MAX_NAME or name in (".", "..") or not name.isprintable():
        raise Invalid(f"a namespace needs a name of 1 to {MAX_NAME} printable characters")
    if bad := next((letter for letter in name if letter in "+*%?#"), ""):
        kind = "wildcard characters" if bad in "+*" else "characters"
        raise Invalid(f"\"{name}\" contains {kind} that cannot be used in a namespace name: '{bad}'")


class Namespaces:
    """The namespaces by path and by id, as of the last `load`; `view` is the root namespace's core storage."""

    def __init__(self, view: View, random: Callable[[int], bytes]) -> None:
        self._view, self._random = view, random
        self._take([])

    def _take(self, found: list[Namespace]) -> None:
        self._by_id = {ROOT.id: ROOT, **{one.id: one for one in found}}
        self._by_path = {ROOT.path: ROOT, **{one.path: one for one in found if not one.tainted}}
        self.only_root = not found
        self._locked = tuple(one for one in found if one.lock)

    async def load(self) -> None:
        """Reads the document again."""
        raw = await self._view.get(KEY)
        self._take(_decode(raw) if raw is not None else [])

    # Finding

    def by_id(self, identity: str) -> Namespace | None:
        """The namespace with this id; None for one that is gone or going."""
        found = self._by_id.get(identity)
        return None if found is None or found.tainted else found

    def at(self, path: str) -> Namespace | None:
        """The namespace at a path (with its slash)."""
        return self._by_path.get(path)

    def resolve(self, header: str, path: str) -> tuple[Namespace, str]:
        """Which namespace a request is about, by its header and the first steps of its path, and the rest of the path.

        Raises NotFound where the header names none, Unavailable where it is locked, or one around it is.
        """
        start = "" if header in ("", "root") else header + "/"
        namespace = self._by_path.get(start)
        if namespace is None:
            raise NotFound("namespace not found")
        if self.only_root:
            return namespace, path
        while (slash := path.find("/")) > 0:
            inner = self._by_path.get(namespace.path + path[: slash + 1])
            if inner is None:
                break
            namespace, path = inner, path[slash + 1 :]
        if self._locked:
            self._check_lock(namespace, path)
        return namespace, path

    def _check_lock(self, namespace: Namespace, path: str) -> None:
        if path.startswith(UNLOCK) or path in ALWAYS:
            return
        for one in self._locked:
            if one.covers(namespace):
                raise Unavailable(
                    f'API access to this namespace has been locked by an administrator - "{one.path}" must be '
                    "unlocked to gain access."
                )

    def below(self, parent: Namespace) -> list[Namespace]:
        """The namespaces below one, at any depth, those that are going too."""
        found = [one for one in self._by_id.values() if one.id and one.path != parent.path and parent.covers(one)]
        return sorted(found, key=lambda one: one.path)

    def children(self, parent: Namespace) -> list[Namespace]:
        """The namespaces directly below one."""
        depth = parent.path.count("/") + 1
        return [one for one in self.below(parent) if one.path.count("/") == depth]

    def child(self, parent: Namespace, name: str) -> Namespace | None:
        """The namespace directly below one with this name, one that is going too."""
        path = f"{parent.path}{name}/"
        return next((one for one in self._by_id.values() if one.id and one.path == path), None)

    def taken(self, parent: Namespace, path: str) -> Namespace | None:
        """The namespace directly below `parent` in which `path` would end."""
        return self.child(parent, path.partition("/")[0])

    # Changing

    async def create(self, parent: Namespace, name: str, metadata: dict[str, str]) -> Namespace:
        """Makes the namespace of this name below `parent`, or gives it other metadata. Raises Invalid, NotFound."""
        check_name(name)
        path = f"{parent.path}{name}/"
        if path.count("/") > MAX_DEPTH:
            raise Invalid(f"namespaces are nested at most {MAX_DEPTH} deep")
        made: list[Namespace] = []

        def edit(found: list[Namespace]) -> list[Namespace]:
            made.clear()
            if parent.id and not any(one.id == parent.id and not one.tainted for one in found):
                raise NotFound("namespace not found")
            known = next((one for one in found if one.path == path), None)
            if known is not None:
                if known.tainted:
                    raise Invalid("namespace is being deleted")
                made.append(replace(known, custom_metadata=metadata))
                return [made[0] if one is known else one for one in found]
            if len(found) >= MAX_NAMESPACES:
                raise Invalid(f"more than {MAX_NAMESPACES} namespaces")
            made.append(Namespace(id=self._fresh(found), uuid=self._uuid(), path=path, custom_metadata=metadata))
            return [*found, made[0]]

        await self._change(edit)
        return made[0]

    async def alter(self, namespace: Namespace, change: Callable[[Namespace], Namespace]) -> Namespace:
        """Changes metadata or lock of a namespace, as they are stored now. Raises NotFound when it is gone or going."""
        made: list[Namespace] = []

        def edit(found: list[Namespace]) -> list[Namespace]:
            made.clear()
            made.extend(one for one in found if one.id == namespace.id and not one.tainted)
            if not made:
                raise NotFound
            made[0] = change(made[0])
            return [made[0] if one.id == namespace.id else one for one in found]

        await self._change(edit)
        return made[0]

    async def taint(self, namespace: Namespace) -> None:
        """Begins a deletion: nobody finds the namespace from now on. Raises Invalid while others are inside."""

        def edit(found: list[Namespace]) -> list[Namespace]:
            if any(namespace.covers(one) and one.id != namespace.id for one in found):
                raise Invalid(f'cannot delete namespace "{namespace.path}": it contains child namespaces')
            return [replace(one, tainted=True) if one.id == namespace.id else one for one in found]

        await self._change(edit)

    async def forget(self, namespace: Namespace) -> None:
        """Ends a deletion."""
        await self._change(lambda found: [one for one in found if one.id != namespace.id])

    def _fresh(self, found: list[Namespace]) -> str:
        taken = {one.id for one in found}
        while True:
            text = "".join(chr(LETTERS[byte % 62]) for byte in self._random(ID_LENGTH * 4) if byte < 248)[:ID_LENGTH]
            if len(text) == ID_LENGTH and text not in taken:
                return text

    def _uuid(self) -> str:
        return str(uuid.UUID(bytes=self._random(16), version=4))

    async def _change(self, edit: Edit) -> None:
        """Applies `edit` to the stored list; it may run again when another node was faster."""
        for _ in range(16):
            found = await self._view.versioned(KEY)
            changed = edit(_decode(found[0]) if found else [])
            try:
                await self._view.put_if(KEY, msgspec.json.encode(changed), found[1] if found else 0)
            except Conflict:
                continue
            return
        raise Unavailable("the namespaces are changing too fast, try again")
