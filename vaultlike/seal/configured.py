"""Owns the way from `seal` stanzas to seals: which kinds there are and which settings they take. Does no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from structlog.typing import FilteringBoundLogger

from vaultlike.errors import Invalid, NotBuilt
from vaultlike.sdk.egress import Egress
from vaultlike.seal import static, transit
from vaultlike.seal.key import Random
from vaultlike.seal.seals import Seals
from vaultlike.seal.sealtype import AutoSeal

_NOT_BUILT = frozenset(
    {"awskms", "azurekeyvault", "gcpckms", "ocikms", "alicloudkms", "pkcs11", "kmip", "huaweicloudkms"}
)


class Stanza(msgspec.Struct, frozen=True):
    """One `seal "KIND" { ... }`: `name` tells several apart, `disabled` marks the seal to migrate away from."""

    kind: str
    name: str
    settings: Mapping[str, str]
    disabled: bool = False

    def __repr__(self) -> str:
        return f"Stanza(kind={self.kind!r}, name={self.name!r})"


def check_stanza(stanza: Stanza) -> None:
    """Raises Invalid or NotBuilt for a stanza that cannot work, before anything is started."""
    _parsed(stanza)


def seals_of(stanzas: Sequence[Stanza], egress: Egress, random: Random, log: FilteringBoundLogger) -> Seals:
    """The seals of the configuration. Raises Invalid, NotBuilt."""
    active: list[AutoSeal] = []
    disabled: list[AutoSeal] = []
    for stanza in stanzas:
        (disabled if stanza.disabled else active).append(_seal(stanza, egress, random, log))
    names = [seal.name for seal in (*active, *disabled)]
    if len(set(names)) != len(names):
        raise Invalid("every seal needs a name of its own")
    return Seals(active, disabled)


def _seal(stanza: Stanza, egress: Egress, random: Random, log: FilteringBoundLogger) -> AutoSeal:
    settings = _parsed(stanza)
    if isinstance(settings, static.StaticKeys):
        return static.Static(stanza.name, settings, random)
    client = egress.client(
        ca_file=settings.ca_file,
        certificate_file=settings.client_certificate,
        key_file=settings.client_key,
        server_name=settings.server_name,
    )
    return transit.Transit(stanza.name, settings, client, random, log)


def _parsed(stanza: Stanza) -> static.StaticKeys | transit.TransitSettings:
    if stanza.kind == static.Static.kind:
        _refuse_unknown(stanza, static.SETTINGS)
        return static.StaticKeys(stanza.settings)
    if stanza.kind == transit.Transit.kind:
        _refuse_unknown(stanza, transit.SETTINGS)
        return transit.TransitSettings.parse(stanza.settings)
    if stanza.kind in _NOT_BUILT:
        raise NotBuilt(f'seal "{stanza.kind}" is not built: use shamir, static or transit')
    raise Invalid(f'unknown seal type "{stanza.kind[:64]}"')


def _refuse_unknown(stanza: Stanza, known: frozenset[str]) -> None:
    unknown = sorted(set(stanza.settings) - known)
    if unknown:
        raise Invalid(f'seal "{stanza.kind}": unknown setting {unknown[0][:64]}')
