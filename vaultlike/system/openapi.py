"""`sys/internal/specs/openapi`: the API as an OpenAPI 3.0.2 document, made from the declarations alone (spec 2.9).

Shows what the caller may reach: without a token only paths that need none, of `sys/` and of mounts shown to everybody.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike.mounts.router import Mount
from vaultlike.sdk import Call, Raw, read, write
from vaultlike.sdk.fields import Field, fields_of
from vaultlike.sdk.routes import Owned, Place
from vaultlike.settings import VERSION
from vaultlike.system.bearer import bearer, presented
from vaultlike.system.part import Part
from vaultlike.system.seal import refuse_method

TEXT: dict[str, object] = {"type": "string"}
SCHEMAS: dict[str, dict[str, object]] = {
    "string": TEXT,
    "lower": TEXT,
    "secret": {"type": "string", "format": "password"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "duration": {"type": "integer", "format": "seconds"},
    "signed_duration": {"type": "integer", "format": "seconds"},
    "comma": {"type": "array", "items": TEXT},
    "strings": {"type": "array", "items": TEXT},
    "cidrs": {"type": "array", "items": TEXT},
    "comma_int": {"type": "array", "items": {"type": "integer"}},
    "pairs": {"type": "object", "additionalProperties": TEXT},
    "object": {"type": "object"},
    "anything": {},
    "time": {"type": "string", "format": "date-time"},
}
METHODS = {"read": "get", "list": "get", "write": "post", "delete": "delete", "patch": "patch", "header": "head"}
ANSWERS: dict[str, dict[str, object]] = {
    "get": {"200": {"description": "OK"}},
    "head": {"200": {"description": "OK"}},
    "post": {"200": {"description": "OK"}, "204": {"description": "Done, nothing to show"}},
    "patch": {"200": {"description": "OK"}, "204": {"description": "Done, nothing to show"}},
    "delete": {"204": {"description": "Deleted, or never there"}},
}


class SpecBody(Struct, kw_only=True):
    """The query of the document."""

    generic_mount_paths: Annotated[bool, Meta(description="Name mount paths by parameters.")] = False


class OpenApi(Part):
    """The machine-readable description of the API."""

    @read("internal/specs/openapi", open=True)
    @write("internal/specs/openapi", open=True)
    async def document(self, call: Call, body: SpecBody) -> Raw:
        """Describes the API in OpenAPI."""
        paths: dict[str, dict[str, object]] = {}
        for mount, only_open in await self._visible(call):
            prefix, parameters = _prefix(mount, body.generic_mount_paths)
            for place in mount.table.places.values():
                item = _item(place, prefix, parameters, only_open=only_open)
                if item:
                    paths.setdefault(f"/{prefix}{_plain(place.pattern)}", {}).update(item)
        document = {
            "openapi": "3.0.2",
            "info": {
                "title": "vaultlike",
                "description": "HTTP API. Every path is below `/v1`.",
                "version": VERSION,
                "license": {"name": "see LICENSE"},
            },
            "servers": [{"url": "/v1"}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Vault-Token"}},
            },
            "security": [{"token": []}],
        }
        return Raw(body=msgspec.json.encode(document))

    async def _visible(self, call: Call) -> list[tuple[Mount, bool]]:
        """The mounts to describe, each with whether only its open paths are shown."""
        mounts = [mount for mount in self.services.router.mounts() if mount.backend is not None]
        if not presented(call):
            shown = [m for m in mounts if m.entry.kind == "system" or m.entry.config.listing_visibility == "unauth"]
            return [(mount, True) for mount in shown]
        token, entity = await bearer(self.services, call)
        acl = await self.services.acl(token, entity)
        return [(mount, False) for mount in mounts if acl.any_access_below(mount.entry.path)]


def _prefix(mount: Mount, generic: bool) -> tuple[str, list[dict[str, object]]]:
    entry = mount.entry
    if not generic or entry.kind in ("system", "identity", "cubbyhole", "token"):
        return entry.path, []
    name = f"{entry.kind}_mount_path"
    parameter: dict[str, object] = {
        "name": name,
        "in": "path",
        "required": True,
        "description": "Path that the backend was mounted at",
        "schema": {"type": "string", "default": entry.shown_path.rstrip("/")},
    }
    return ("auth/" if entry.auth else "") + "{" + name + "}/", [parameter]


def _plain(pattern: str) -> str:
    """`role/{name:at}` as `role/{name}`."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", pattern)


def _item(place: Place, prefix: str, parameters: list[dict[str, object]], *, only_open: bool) -> dict[str, object]:
    routes = {
        verb: owned
        for verb, owned in place.routes.items()
        if owned.route.handler is not refuse_method and (owned.route.open or not only_open)
    }
    if not routes:
        return {}
    captured: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in place.names
    ]
    item: dict[str, object] = {}
    if parameters or captured:
        item["parameters"] = [*parameters, *captured]
    for verb, owned in routes.items():
        method = METHODS[verb]
        if method in item:  # a read and a list of one path share the GET; the list is asked for by the query
            continue
        listing = "required" if verb == "list" else "optional" if "list" in routes else ""
        item[method] = _operation(place, owned, prefix, method, listing)
    return item


def _operation(place: Place, owned: Owned, prefix: str, method: str, listing: str) -> dict[str, object]:
    route = owned.route
    words = re.findall(r"\w+", f"{prefix} {_plain(place.pattern)}")
    operation: dict[str, object] = {
        "summary": route.summary,
        "operationId": "-".join([method, *words]),
        "tags": [words[0] if words else "root"],
        "responses": ANSWERS[method],
    }
    if route.open:
        operation["security"] = []
    if route.sudo:
        operation["x-vault-sudo"] = True
    struct = route.declares or route.body
    fields = [f for f in fields_of(struct).fields.values() if f.name not in place.names] if struct else []
    if method in ("post", "patch"):
        if fields:
            operation["requestBody"] = {"content": {_media(method): {"schema": _schema(fields)}}}
        return operation
    query: list[dict[str, object]] = [
        {"name": f.name, "in": "query", "description": f.description, "schema": _type(f)} for f in fields
    ]
    if listing and method == "get":
        schema: dict[str, object] = {"type": "string", "enum": ["true"]}
        query.append({"name": "list", "in": "query", "required": listing == "required", "schema": schema})
    if query:
        operation["parameters"] = query
    return operation


def _media(method: str) -> str:
    return "application/merge-patch+json" if method == "patch" else "application/json"


def _schema(fields: list[Field]) -> dict[str, object]:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {field.name: {**_type(field), "description": field.description} for field in fields},
    }
    required = [field.name for field in fields if field.required]
    return {**schema, "required": required} if required else schema


def _type(field: Field) -> dict[str, object]:
    return SCHEMAS.get(field.kind, {})
