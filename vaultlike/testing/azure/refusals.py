"""How each of Azure's services says no: four error bodies, one class each.

Owns shapes only; the codes are chosen where the rule is (entra, arm, graph, metadata).
"""

from __future__ import annotations

import uuid

from aiohttp import web

from vaultlike.clock import rfc3339


class Refusal(Exception):
    """A request is turned down. `response` renders; `at` is the emulator's time in Unix seconds."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}

    def response(self, at: float) -> web.Response:
        raise NotImplementedError


class EntraRefusal(Refusal):
    """`{"error", "error_description": "AADSTSn: ...", "error_codes": [n], ...}`."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(status, text)
        self.error = error
        self.number = number

    def response(self, at: float) -> web.Response:
        trace, correlation, when = str(uuid.uuid4()), str(uuid.uuid4()), rfc3339(at)[:19].replace("T", " ") + "Z"
        tail = f"\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {when}"
        body = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.text}{tail}",
            "error_codes": [self.number],
            "timestamp": when,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }
        return web.json_response(body, status=self.status, headers={"Cache-Control": "no-store"} | self.headers)


class ArmRefusal(Refusal):
    """`{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, text, headers)
        self.code = code

    def response(self, at: float) -> web.Response:
        return web.json_response(
            {"error": {"code": self.code, "message": self.text}}, status=self.status, headers=self.headers
        )


class GraphRefusal(ArmRefusal):
    """ARM's shape plus `innerError`."""

    def response(self, at: float) -> web.Response:
        request_id = str(uuid.uuid4())
        inner = {"date": rfc3339(at)[:19], "request-id": request_id, "client-request-id": request_id}
        error = {"code": self.code, "message": self.text, "innerError": inner}
        return web.json_response({"error": error}, status=self.status, headers=self.headers)


class MetadataRefusal(Refusal):
    """`{"error", "error_description"}` of the instance metadata service."""

    def __init__(self, status: int, error: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, text, headers)
        self.error = error

    def response(self, at: float) -> web.Response:
        body = {"error": self.error, "error_description": self.text}
        return web.json_response(body, status=self.status, headers=self.headers)


class SiteRefusal(Refusal):
    """`{"statusCode", "message"}` of App Service."""

    def response(self, at: float) -> web.Response:
        body = {"statusCode": self.status, "message": self.text, "correlationId": str(uuid.uuid4())}
        return web.json_response(body, status=self.status, headers=self.headers)


class VersionRefusal(Refusal):
    """Instance metadata without a usable api-version: names the versions it knows."""

    def response(self, at: float) -> web.Response:
        body = {"error": self.text, "newest-versions": ["2025-04-07", "2023-11-15", "2021-12-13"]}
        return web.json_response(body, status=400, headers=self.headers)
