"""Requests to Azure: one client per mount configuration, with retries inside a deadline and a log of each exchange.

Owns limits, retries and what may be logged (never a body, a header or a secret). Knows no endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from vaultlike.errors import Upstream
from vaultlike.sdk import Context
from vaultlike.sdk.egress import EgressClient, EgressError, Fetched, TimedOut, retrying
from vaultlike_azure.settings import Settings

DEADLINE: Final = 24.0  # seconds for one request with all its retries: many clients of ours give up after 30
ATTEMPT: Final = 10.0  # seconds for one attempt
MAX_BODY: Final = 2 * 1024 * 1024  # bytes

Pairs = Mapping[str, str]


class AzureClient(EgressClient):
    """An EgressClient that also logs each request and answer when the operator asks for it.

    `AZURE_SDK_GO_LOGGING=all` in the server's environment logs at level info, else the exchange is at level debug.
    """

    def __init__(self, ctx: Context, ca_file: str) -> None:
        self._inner = ctx.egress.client(ca_file=ca_file or None)
        self._clock = ctx.clock
        loud = ctx.system.environ("AZURE_SDK_GO_LOGGING") == "all"
        self._log: Callable[..., object] = ctx.log.info if loud else ctx.log.debug

    async def request(self, method: str, url: str, *, timeout: float, limit: int, **more: object) -> Fetched:
        """As EgressClient.request."""
        self._log("azure request", method=method, url=_shown(url))
        started = self._clock.monotonic()
        try:
            fetched = await self._inner.request(method, url, timeout=timeout, limit=limit, **more)  # type: ignore[arg-type]
        except EgressError as error:
            self._log("azure answer", method=method, url=_shown(url), failure=error.reason)
            raise
        self._log(
            "azure answer",
            method=method,
            url=_shown(url),
            status=fetched.status,
            bytes=len(fetched.body),
            ms=round((self._clock.monotonic() - started) * 1000),
            request_id=fetched.headers.get("x-ms-request-id", "")[:64],
        )
        return fetched


def _shown(url: str) -> str:
    """Scheme, host and path: queries can hold what is nobody's business."""
    return url.partition("?")[0][:512]


class Wire:
    """Requests with the mount's retry settings (spec/azure.md 3.5)."""

    def __init__(self, ctx: Context, settings: Settings) -> None:
        self.client = AzureClient(ctx, settings.cloud.ca_file)
        self._ctx, self._settings = ctx, settings

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Pairs | None = None,
        params: Pairs | None = None,
        form: Pairs | None = None,
        json: object = None,
        attempts: int | None = None,
        deadline: float | None = None,
    ) -> Fetched:
        """The last answer, of any status. `deadline` is of the monotonic clock. Raises EgressError."""
        clock, settings = self._ctx.clock, self._settings
        until = clock.monotonic() + DEADLINE if deadline is None else deadline

        async def once() -> Fetched:
            left = until - clock.monotonic()
            if left <= 0:
                raise TimedOut(f"{method} {_shown(url)}", "no time left for another attempt")
            return await self.client.request(
                method,
                url,
                headers=dict(headers or {}),
                params=params,
                form=form,
                json=json,
                timeout=min(ATTEMPT, left),
                limit=MAX_BODY,
                allow_http=url.startswith("http://"),  # only the server's configuration can name such an address
            )

        return await retrying(
            once,
            attempts=settings.attempts if attempts is None else attempts,
            base_delay=settings.retry_delay,
            max_delay=settings.max_retry_delay,
            clock=clock,
            jitter=self._jitter,
            deadline=until,
        )

    def _jitter(self) -> float:
        return 0.8 + 0.5 * int.from_bytes(self._ctx.random(2), "big") / 65536


def continued(base: str, link: str) -> str:
    """The URL of a list's next page. Raises Upstream when it leads to another host: the token would go with it."""
    try:
        here, there = urlsplit(base), urlsplit(link)
        same = (here.scheme, here.hostname, here.port or 443) == (there.scheme, there.hostname, there.port or 443)
    except ValueError:
        same = False
    if not same:
        raise Upstream(reason=f"a list that {urlsplit(base).hostname} continues at another host")
    return link
