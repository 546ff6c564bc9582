"""The http device: every line as the JSON body of a POST to one address; any answer but 2xx is a failure.

Does not retry, follows no redirect and keeps no order: several lines may be on their way at once, each with its time.
A bounded number may; what comes on top fails at once, so that a slow target costs neither memory nor other requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

import msgspec

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid
from vaultlike.sdk.egress import Egress, EgressClient, TimedOut

MAX_UNDER_WAY = 512  # lines that wait for the target at a time
MAX_ANSWER = 64 * 1024  # bytes of an answer, which nobody reads
MAX_HEADERS = 32
MAX_TIMEOUT = 5  # seconds: no request waits longer for its audit
DEFAULT_TIMEOUT = "2s"
_OWN = frozenset(("host", "content-length", "transfer-encoding", "connection"))  # headers that are the transport's
_decode_headers = msgspec.json.Decoder(dict[str, str | list[str]]).decode


class HttpDevice:
    """Posts lines to `uri`. Raises Invalid for options that cannot work; connects when first used."""

    def __init__(self, options: Mapping[str, str], egress: Egress) -> None:
        self._uri, self._headers = options.get("uri", ""), headers_of(options)
        self._timeout = timeout_of(options)
        self._options, self._egress = options, egress
        self._client = self._make()
        self._under_way = 0
        self._closed = False

    def write(self, line: bytes) -> Awaitable[None] | None:
        """Done when the target has answered 2xx. Raises OSError when too many lines wait already."""
        if self._closed:
            raise OSError("the audit device is closed")
        if self._under_way >= MAX_UNDER_WAY:
            raise OSError("the audit device is stuck: too many lines wait for it")
        return self._post(line)

    def reopen(self) -> None:
        """Reads CA files again; connections that were closed meanwhile are not used again anyway."""
        self._client = self._make()

    def close(self) -> None:
        """Sends nothing more; what is under way may still arrive."""
        self._closed = True

    def _make(self) -> EgressClient:
        ca_pem, ca_file = self._options.get("ca_cert") or None, self._options.get("ca_file") or None
        return self._egress.client(ca_pem, ca_file)

    async def _post(self, line: bytes) -> None:
        self._under_way += 1
        try:
            answer = await self._client.request(
                "POST",
                self._uri,
                headers=self._headers,
                data=line,
                timeout=self._timeout,
                limit=MAX_ANSWER,
                allow_http=True,
            )
        except TimedOut as problem:
            raise TimeoutError(problem.reason) from None
        finally:
            self._under_way -= 1
        if not 200 <= answer.status < 300:
            raise OSError(f"the audit target answered {answer.status}")


def headers_of(options: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers to send: `headers` is a JSON object of texts or lists of texts. Raises Invalid without values."""
    text = options.get("headers", "")
    try:
        given = _decode_headers(text.encode()) if text else {}
    except msgspec.MsgspecError:
        raise Invalid("failed to parse headers: they are a JSON object of texts, or of lists of texts") from None
    pairs = [(name, value) for name, item in given.items() for value in ([item] if isinstance(item, str) else item)]
    if len(pairs) > MAX_HEADERS:
        raise Invalid(f"at most {MAX_HEADERS} headers can be sent")
    if own := sorted(name for name, _ in pairs if name.lower() in _OWN):
        raise Invalid(f"the header {own[0]} cannot be set")
    joined: dict[str, str] = {}  # several values of one header are one value with commas (RFC 9110 5.3)
    for name, value in pairs:
        joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
    joined.setdefault("content-type", "application/json")
    return tuple((name.title(), value) for name, value in joined.items())


def timeout_of(options: Mapping[str, str]) -> int:
    """Seconds that a line may take. Raises Invalid."""
    seconds = parse_duration(options.get("timeout") or DEFAULT_TIMEOUT)
    if not 1 <= seconds <= MAX_TIMEOUT:
        raise Invalid(f"timeout must be between 1s and {MAX_TIMEOUT}s")
    return seconds


def check_address(options: Mapping[str, str]) -> None:
    """Whether the address may be one to post to; the first line finds out about the rest. Raises Invalid."""
    uri = options.get("uri", "")
    if not uri:
        raise Invalid("uri is required")
    if not uri.lower().startswith(("https://", "http://")):
        raise Invalid("uri must start with https:// or http://")
    if options.get("ca_cert") and options.get("ca_file"):
        raise Invalid("ca_cert and ca_file cannot be set at the same time")
