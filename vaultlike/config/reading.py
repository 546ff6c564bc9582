"""Parsed files -> one `ServerConfig`. Owns what the stanzas mean together; every problem is collected, none raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from vaultlike.config import keys
from vaultlike.config.files import Source, read_sources
from vaultlike.config.model import (
    ListenerConfig,
    Place,
    Problem,
    SealConfig,
    ServerConfig,
    StorageConfig,
)
from vaultlike.config.secrets import resolved
from vaultlike.config.section import (
    Found,
    Key,
    Notes,
    labelled_blocks,
    maybe_labelled_blocks,
    near,
    plain_blocks,
    read_section,
)
from vaultlike.hcl import Entry, quote

_ENVIRONMENT = {"VAULT_API_ADDR": "api_addr", "VAULT_LOG_LEVEL": "log_level", "VAULT_LOG_FORMAT": "log_format"}
T = TypeVar("T")


class Loaded(Struct, frozen=True):
    """The configuration as far as it could be read. With problems it must not be used, only checked further."""

    config: ServerConfig
    problems: tuple[Problem, ...]


def load(paths: Sequence[str], environment: Mapping[str, str], *, complete: bool = True) -> Loaded:
    """Reads files and folders; of a key in several files the last one counts, listeners add up.

    `complete`: storage and a listener must be there (a dev server brings its own). Some settings are replaced by
    VAULT_API_ADDR, VAULT_LOG_LEVEL and VAULT_LOG_FORMAT of `environment`.
    """
    reading = _Reading(environment)
    sources = read_sources(paths, reading.notes)
    readable = not reading.notes.problems  # what is missing may stand in a file that could not be read
    for source in sources:
        reading.take(source)
    reading.take_environment()
    if complete and readable:
        reading.check_complete(Place(paths[0] if paths else ""))
    return Loaded(reading.config(), tuple(reading.notes.problems))


class _Reading:
    """What has been read so far."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.notes = Notes()
        self._environment = environment
        self._top: dict[str, Found] = {}
        self._storages: list[StorageConfig] = []
        self._seals: list[SealConfig] = []
        self._listeners: list[ListenerConfig] = []
        self._stanzas: dict[str, list[dict[str, str]]] = {}
        self._allowed: tuple[str, ...] = ()

    def take(self, source: Source) -> None:
        """Adds one file."""
        self._top |= read_section(
            self.notes, source.file, source.body, keys.TOP, "the configuration", elsewhere=keys.BLOCKS
        )
        for entry in source.body.entries:
            if entry.key in ("storage", "backend"):
                self._take_storage(source.file, entry)
            elif entry.key == "listener":
                self._take_listener(source.file, entry)
            elif entry.key == "seal":
                self._take_seal(source.file, entry)
            elif entry.key == "azure_cloud":
                self._take_cloud(source.file, entry)
            elif entry.key == "user_lockout":
                self._take_lockout(source.file, entry)
            elif entry.key in ("infisical", "hanzo"):
                self._take_face(source.file, entry)
            elif entry.key == "plugins":
                for body in plain_blocks(self.notes, source.file, entry):
                    found = read_section(self.notes, source.file, body, keys.PLUGINS, "plugins")
                    self._allowed = _value(found, "allow", self._allowed)

    def take_environment(self) -> None:
        """Replaces what the environment says better."""
        for name, key in _ENVIRONMENT.items():
            if text := self._environment.get(name, ""):
                place = Place(f"environment {name}")
                try:
                    self._top[key] = Found(keys.TOP[key].read(text), place)
                except ValueError as problem:
                    self.notes.problem(place, str(problem))

    def _take_storage(self, file: str, entry: Entry) -> None:
        for kind, body, place in labelled_blocks(self.notes, file, entry):
            known = keys.STORAGE.get(kind)
            if known is None:
                self.notes.problem(place, _no_storage(kind))
                continue
            found = read_section(self.notes, file, body, known, f"storage {quote(kind)}")
            if kind == "sqlite" and "path" not in found:
                self.notes.problem(place, 'storage "sqlite" needs path, the file of the database')
            self._storages.append(StorageConfig(kind=kind, path=_value(found, "path", ""), place=place))

    def _take_listener(self, file: str, entry: Entry) -> None:
        for kind, body, place in labelled_blocks(self.notes, file, entry):
            known = keys.LISTENER.get(kind)
            if known is None:
                self.notes.problem(place, f"unknown listener {quote(kind)}: tcp or unix")
                continue
            found = read_section(self.notes, file, body, known, f"listener {quote(kind)}")
            settings: dict[str, Any] = {key: each.value for key, each in found.items()}
            if kind == "unix" and "address" not in found:
                self.notes.problem(place, 'listener "unix" needs address, the path of its socket')
            self._listeners.append(ListenerConfig(kind=kind, settings=settings, place=place))

    def _take_seal(self, file: str, entry: Entry) -> None:
        for kind, body, place in labelled_blocks(self.notes, file, entry):
            known = keys.SEALS.get(kind)
            if known is None:
                self.notes.problem(place, f"seal {quote(kind)} is not built: shamir, static or transit")
                continue
            found = read_section(self.notes, file, body, known, f"seal {quote(kind)}")
            if kind == "transit":
                self._add_environment(found, known)
            settings: dict[str, str] = {}
            for key, each in found.items():
                if key in ("name", "disabled"):
                    continue
                try:
                    settings[key] = resolved(_written(each.value), self._environment)
                except ValueError as problem:
                    self.notes.problem(each.place, f"{key} {problem}")
            self._seals.append(
                SealConfig(
                    kind=kind,
                    name=_value(found, "name", kind),
                    disabled=_value(found, "disabled", False),
                    settings=settings,
                    place=place,
                )
            )

    def _add_environment(self, found: dict[str, Found], known: Mapping[str, Key]) -> None:
        for key, variable in keys.TRANSIT_ENVIRONMENT.items():
            if key not in found and (text := self._environment.get(variable, "")):
                place = Place(f"environment {variable}")
                try:
                    found[key] = Found(known[key].read(text), place)
                except ValueError as problem:
                    self.notes.problem(place, str(problem))

    def _check_seals(self) -> None:
        """Several seals may open the same root key; shares of people stand alone."""
        used = [seal for seal in self._seals if not seal.disabled]
        for seal in used:
            if seal.kind == "shamir" and len(used) > 1:
                self.notes.problem(seal.place, 'seal "shamir" stands alone: leave it out, or disable the others')
        names: dict[str, SealConfig] = {}
        for seal in self._seals:
            first = names.setdefault(seal.name, seal)
            if first is not seal:
                text = f"two seals are called {quote(seal.name)}, the first on line {first.place.line}: name them"
                self.notes.problem(seal.place, text)

    def _take_cloud(self, file: str, entry: Entry) -> None:
        for name, body, place in labelled_blocks(self.notes, file, entry):
            known = self._stanzas.setdefault("azure_cloud", [])
            if any(cloud["name"].lower() == name.lower() for cloud in known):
                self.notes.problem(place, f"azure_cloud {quote(name)} is configured twice")
            found = read_section(self.notes, file, body, keys.AZURE_CLOUD, f"azure_cloud {quote(name)}")
            written = {each.key for each in body.entries}
            for key in keys.AZURE_CLOUD_NEEDS:
                if key not in written:
                    self.notes.problem(place, f"azure_cloud {quote(name)} needs {key}")
            known.append({"name": name, **{key: str(each.value) for key, each in found.items()}})

    def _take_lockout(self, file: str, entry: Entry) -> None:
        for kind, body, place in labelled_blocks(self.notes, file, entry):
            if kind not in keys.LOCKOUT_KINDS:
                text = f"user_lockout {quote(kind)}: must be one of {', '.join(keys.LOCKOUT_KINDS)}"
                self.notes.problem(place, text + near(kind, keys.LOCKOUT_KINDS))
                continue
            found = read_section(self.notes, file, body, keys.USER_LOCKOUT, f"user_lockout {quote(kind)}")
            values = {key: str(each.value).lower() for key, each in found.items()}
            self._stanzas.setdefault("user_lockout", []).append({"name": kind, **values})

    def _take_face(self, file: str, entry: Entry) -> None:
        known = keys.INFISICAL if entry.key == "infisical" else keys.HANZO
        taken = self._stanzas.setdefault(entry.key, [])
        for namespace, body, place in maybe_labelled_blocks(self.notes, file, entry):
            namespace = namespace.strip("/")
            if any(other["name"] == namespace for other in taken):
                self.notes.problem(place, f"{entry.key} {quote(namespace)} is configured twice")
            found = read_section(self.notes, file, body, known, entry.key)
            taken.append({"name": namespace, **{key: _written(each.value) for key, each in found.items()}})

    def check_complete(self, place: Place) -> None:
        """A server needs one storage and a listener."""
        if not self._storages and not any("storage" in problem.text for problem in self.notes.problems):
            self.notes.problem(place, 'a storage block is needed, such as storage "sqlite" { path = "..." }')
        if not self._listeners and not any("listener" in problem.text for problem in self.notes.problems):
            self.notes.problem(place, 'a listener block is needed, such as listener "tcp" { address = "..." }')

    def config(self) -> ServerConfig:
        """Everything together; what contradicts itself becomes a problem."""
        for extra in self._storages[1:]:
            self.notes.problem(extra.place, f"storage is configured twice, first at {self._storages[0].place}")
        self._check_seals()
        defaults = ServerConfig()
        default_ttl = _value(self._top, "default_lease_ttl", 0) or defaults.default_lease_ttl
        max_ttl = _value(self._top, "max_lease_ttl", 0) or defaults.max_lease_ttl
        if "default_lease_ttl" in self._top and default_ttl > max_ttl:
            self.notes.problem(self._top["default_lease_ttl"].place, "default_lease_ttl is longer than max_lease_ttl")
        return ServerConfig(
            storage=self._storages[0] if self._storages else defaults.storage,
            listeners=tuple(self._with_duration(listener) for listener in self._listeners),
            seals=tuple(seal for seal in self._seals if seal.kind != "shamir"),
            api_addr=_value(self._top, "api_addr", defaults.api_addr),
            cluster_name=_value(self._top, "cluster_name", defaults.cluster_name),
            log_level=_value(self._top, "log_level", defaults.log_level),
            log_format=_value(self._top, "log_format", defaults.log_format),
            log_file=_value(self._top, "log_file", defaults.log_file),
            pid_file=_value(self._top, "pid_file", defaults.pid_file),
            default_lease_ttl=min(default_ttl, max_ttl),
            max_lease_ttl=max_ttl,
            stanzas={name: tuple(blocks) for name, blocks in self._stanzas.items()},
            allowed_plugins=self._allowed,
            workers=_value(self._top, "workers", defaults.workers),
            warnings=tuple(self.notes.warnings),
        )

    def _with_duration(self, listener: ListenerConfig) -> ListenerConfig:
        wanted = self._top.get("default_max_request_duration")
        if wanted is None or "max_request_duration" in listener.settings:
            return listener
        settings: dict[str, Any] = {**listener.settings, "max_request_duration": wanted.value}
        return ListenerConfig(kind=listener.kind, settings=settings, place=listener.place)


def _value(found: Mapping[str, Found], key: str, default: T) -> T:
    """The value that was read for a key; the table of keys has given it the type of `default`."""
    value: Any = found[key].value if key in found else default
    return value  # type: ignore[no-any-return]


def _written(value: object) -> str:
    """A value as the parts of the server take it: text, flags in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _no_storage(kind: str) -> str:
    if kind in keys.OTHER_STORAGE:
        return f"storage {quote(kind)} is not built: sqlite (durable) or inmem (for tests)"
    return f"unknown storage {quote(kind)}: sqlite or inmem" + near(kind, tuple(keys.STORAGE))
