"""The few pages that a browser is shown: plain, without scripts, every value escaped (CVE-2026-33758)."""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import urlencode

from vaultlike.errors import Invalid, Page
from vaultlike.sdk import Raw

_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
_STYLE: Final = "body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}"


def _page(title: str, body: str) -> Raw:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return Raw(body=text.encode(), content_type="text/html; charset=utf-8", headers=_HEADERS)


def received() -> Raw:
    """After the provider posted its answer: the client fetches the login itself."""
    return _page("Sign-in received", "<p>You can return to the program that you came from.</p>")


def signed_in() -> Raw:
    """After a login of the direct mode."""
    return _page("Signed in", "<p>You can close this page and return to the program that you came from.</p>")


def failed(title: str, text: str, *, reason: str = "") -> Invalid:
    """The refusal of a login in a browser, with its page; `reason` is for the operator."""
    page = _page(title, f"<p>{escape(text)}</p>")
    return Invalid(f"{title} {text}", reason=reason, page=Page(page.body, page.content_type, page.headers))


def confirm(requester: str, role: str, query: dict[str, str]) -> Raw:
    """Asks whether the login is one's own: the address of who asked for it, and the role (RFC 8628 5.4)."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in query.items()
    )
    return _page(
        "Confirm the sign-in",
        f"<p>A program at the address <b>{escape(requester or 'unknown')}</b> asks to log in as you, with the role "
        f"<b>{escape(role)}</b>.</p><p>Go on only if you started this yourself, just now.</p>"
        f'<form method="get">{fields}<button type="submit">Confirm</button></form>',
    )


def with_query(url: str, query: list[tuple[str, str]]) -> str:
    """`url` with a query added."""
    return url + ("&" if "?" in url else "?") + urlencode(query)
