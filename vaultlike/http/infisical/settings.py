"""Whether and where the second face answers: the `infisical` and `hanzo` stanzas of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vaultlike.settings import Settings

STANZA, HANZO = "infisical", "hanzo"


class FaceSettings(Struct, frozen=True, kw_only=True):
    """One namespace's worth. `namespace` is its path without slashes, "" the root one.

    `bootstrap`: whether a stranger may make the first identity of an organization that has none.
    """

    namespace: str = ""
    enabled: bool = False
    bootstrap: bool = False


def face_settings(settings: Settings) -> dict[str, FaceSettings]:
    """The namespaces that are served, by path."""
    found = (_read(stanza) for stanza in settings.stanzas.get(STANZA, ()))
    return {each.namespace: each for each in found if each.enabled}


def hanzo_namespaces(settings: Settings) -> tuple[str, ...]:
    """The namespaces (as in FaceSettings) where the paths of Hanzo KMS are on."""
    stanzas = settings.stanzas.get(HANZO, ())
    return tuple(stanza.get("name", "").strip("/") for stanza in stanzas if stanza.get("enabled") == "true")


def _read(stanza: Mapping[str, str]) -> FaceSettings:
    return FaceSettings(
        namespace=stanza.get("name", "").strip("/"),
        enabled=stanza.get("enabled") == "true",
        bootstrap=stanza.get("bootstrap") == "true",
    )
