"""What only the parts of the server can say about a configuration: certificates, addresses, keys, folders."""

from __future__ import annotations

import os
import stat

import msgspec

from vaultlike.config import ListenerConfig, Place, Problem, SealConfig, ServerConfig
from vaultlike.errors import VaultlikeError
from vaultlike.http.listener import ListenerError, ListenerSettings, split_address
from vaultlike.http.tls import build_context
from vaultlike.seal.configured import Stanza, check_stanza

MAX_WORKERS = 64


def check(config: ServerConfig) -> list[Problem]:
    """Everything that would keep a server with this configuration from starting, without starting anything."""
    return [*_storage(config), *_seal(config), *_listeners(config), *_paths(config), *_workers(config)]


def listener_settings(listener: ListenerConfig) -> ListenerSettings:
    """A listener as the HTTP layer takes it. Raises ListenerError."""
    try:
        return msgspec.convert({"type": listener.kind, **listener.settings}, ListenerSettings)
    except msgspec.ValidationError as problem:
        raise ListenerError(str(problem)) from None


def _storage(config: ServerConfig) -> list[Problem]:
    if config.storage.kind != "sqlite" or not config.storage.path:
        return []
    return _writable(config.storage.place, "storage path", config.storage.path)


def seal_stanza(seal: SealConfig) -> Stanza:
    """A seal as the seal package takes it."""
    return Stanza(seal.kind, seal.name, seal.settings, seal.disabled)


def _seal(config: ServerConfig) -> list[Problem]:
    problems: list[Problem] = []
    for seal in config.seals:
        try:
            check_stanza(seal_stanza(seal))
        except VaultlikeError as problem:
            problems.append(Problem(seal.place, "; ".join(problem.messages)))
        for key in ("tls_ca_cert", "tls_client_cert", "tls_client_key"):
            file = seal.settings.get(key, "")
            if file and not os.access(file, os.R_OK):
                problems.append(Problem(seal.place, f'seal "{seal.kind}": {key} {file} cannot be read'))
    return problems


def _listeners(config: ServerConfig) -> list[Problem]:
    problems: list[Problem] = []
    seen: set[str] = set()
    for listener in config.listeners:
        try:
            settings = listener_settings(listener)
            if settings.type == "tcp":
                split_address(settings.address)
            if settings.secure:
                build_context(settings)
        except ListenerError as problem:
            problems.append(Problem(listener.place, f'listener "{listener.kind}": {problem}'))
        if listener.address in seen and not listener.address.endswith(":0"):
            problems.append(Problem(listener.place, f"two listeners on {listener.address}"))
        seen.add(listener.address)
    return problems


def _paths(config: ServerConfig) -> list[Problem]:
    problems: list[Problem] = []
    for what, path in (("log_file", config.log_file), ("pid_file", config.pid_file)):
        if path:
            problems += _writable(Place(), what, path)
    for cloud in config.stanzas.get("azure_cloud", ()):
        ca_file = cloud.get("ca_file", "")
        if ca_file and not os.access(ca_file, os.R_OK):
            problems.append(Problem(Place(), f'azure_cloud "{cloud["name"]}": ca_file {ca_file} cannot be read'))
    return problems


def _workers(config: ServerConfig) -> list[Problem]:
    if config.workers > MAX_WORKERS:
        return [Problem(Place(), f"workers = {config.workers}: at most {MAX_WORKERS}, and not more than cores")]
    if config.workers > 1 and config.storage.kind != "sqlite":
        return [Problem(Place(), f"workers = {config.workers}: what is kept in memory has one process, use 1")]
    return []


def _writable(place: Place, what: str, path: str) -> list[Problem]:
    """A file that this process must be able to make or change."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return [Problem(place, f"{what} {path} is no file")]
        return [] if os.access(path, os.W_OK) else [Problem(place, f"{what} {path} cannot be written")]
    except FileNotFoundError:
        if not os.path.isdir(folder):
            return [Problem(place, f"{what} {path}: the folder {folder} does not exist")]
        if not os.access(folder, os.W_OK | os.X_OK):
            return [Problem(place, f"{what} {path}: the folder {folder} cannot be written")]
    except OSError as problem:
        return [Problem(place, f"{what} {path}: {problem.strerror}")]
    return []
