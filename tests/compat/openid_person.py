"""A person at a browser: follows redirects, keeps cookies, fills in the forms of a page and presses its button."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.request
from html.parser import HTMLParser
from http.client import HTTPMessage
from typing import IO
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from msgspec import Struct, field

TIMEOUT = 20


class Form(Struct):
    """What a form would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(Struct):
    """What the browser shows. `answer` is what the provider sent to an address that nobody serves here."""

    url: str
    status: int = 0
    text: str = ""
    answer: dict[str, str] = field(default_factory=dict)

    @property
    def forms(self) -> list[Form]:
        reader = _Forms()
        reader.feed(self.text)
        return reader.found

    def link(self, ending: str) -> str:
        """The address of the link that ends like this."""
        reader = _Forms()
        reader.feed(self.text)
        return urljoin(self.url, next(link for link in reader.links if link.endswith(ending)))


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get").upper()))
        elif tag in ("input", "button") and self.found and given.get("name"):
            self.found[-1].fields.setdefault(given["name"], given.get("value", ""))
        elif tag == "a":
            self.links.append(given.get("href", ""))


class _Redirects(urllib.request.HTTPRedirectHandler):
    stop = ""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        return None if self._ends(newurl) else super().redirect_request(req, fp, code, msg, headers, newurl)

    def _ends(self, url: str) -> bool:
        return bool(self.stop) and url.startswith(self.stop)


class Person:
    """`stop` is an address that the browser does not visit: what it is sent there with becomes `Page.answer`."""

    def __init__(self, name: str, stop: str = "") -> None:
        self.name = name
        redirects = _Redirects()
        redirects.stop = stop
        self._stop = stop
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), redirects, cookies)

    def visit(self, url: str, form: dict[str, str] | None = None) -> Page:
        """One page, after all redirects."""
        body = None if form is None else urlencode(form).encode()
        try:
            with self._opener.open(url, body, timeout=TIMEOUT) as answer:
                return Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as problem:
            with problem:
                where = problem.headers.get("Location", "")
                if self._stop and where.startswith(self._stop):
                    query = parse_qs(urlsplit(where).query)
                    return Page(where, problem.code, "", {name: values[0] for name, values in query.items()})
                return Page(problem.url or url, problem.code, problem.read().decode())

    def submit(self, page: Page) -> Page:
        """Presses the button of a page's first form."""
        form = page.forms[0]
        known = {"login": self.name, "password": "any"}
        fields = {name: known.get(name, value) for name, value in form.fields.items() if name != "abort"}
        where = urljoin(page.url, form.action)
        if form.method == "POST":
            return self.visit(where, fields)
        return self.visit(where.partition("?")[0] + "?" + urlencode(fields))

    def sign_in(self, url: str) -> Page:
        """Visits, signs in and consents to everything until a page asks nothing more."""
        page = self.visit(url)
        for _ in range(8):
            if not page.forms:
                return page
            page = self.submit(page)
        raise AssertionError(f"the forms never end: {page.text[:2000]}")
