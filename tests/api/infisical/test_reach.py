"""Where methods reach out to: nowhere private unless the operator says so, and never past a certificate."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from tests.api.infisical.conftest import NOW, ON
from tests.api.infisical.enrolment import Enrolled, enrol, explained
from vaultlike.clock import FakeClock
from vaultlike.server.devtls import make_certificates
from vaultlike.settings import Settings
from vaultlike.testing.server import TestServer
from vaultlike.testing.spire import Authority, DiscoveryProvider

SUBJECT = "spiffe://example.org/web"
GUARDED = {name: value for name, value in ON.items() if name != "allow_internal_ip_connections"}


def running(
    face: Mapping[str, str], environment: Mapping[str, str] | None = None, path: Path | None = None
) -> TestServer:
    settings = Settings(stanzas={"infisical": (face,)}, environment=environment or {})
    return TestServer(clock=FakeClock(NOW), settings=settings, path=path)


async def attach(one: Enrolled, url: str, **more: object) -> int:
    fields: dict[str, object] = {"boundIssuer": "https://spire.test", "boundSubject": SUBJECT, "boundAudiences": "us"}
    if one.method == "oidc-auth":
        fields |= {"oidcDiscoveryUrl": url, "boundClaims": {}}
    else:
        fields |= {"configurationType": "jwks", "jwksUrl": f"{url}/keys"}
    return (await one.manage("POST", {**fields, **more})).status


class Tls:
    """A provider with a certificate of its own authority."""

    def __init__(self, provider: DiscoveryProvider, authority: Authority, ca: str) -> None:
        self.provider, self.authority, self.ca = provider, authority, ca

    def mint(self) -> str:
        return self.authority.mint(SUBJECT, ["us"])


@pytest_asyncio.fixture
async def tls(tmp_path: Path) -> AsyncIterator[Tls]:
    files = make_certificates(str(tmp_path), "127.0.0.1", NOW)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    authority = Authority("example.org", FakeClock(NOW), issuer="https://spire.test")
    async with DiscoveryProvider(authority, tls=context) as provider:
        yield Tls(provider, authority, Path(files.ca).read_text())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1", "https://localhost", "https://x.localhost:8443", "http://[::1]", "http://10.1.2.3",
        "http://192.168.0.1", "http://169.254.169.254", "http://[::ffff:127.0.0.1]", "http://0.0.0.0", "http://[fd00::1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["oidc-auth", "jwt-auth"])
async def test_private_addresses_are_not_even_attached(method: str, url: str) -> None:
    async with running(GUARDED) as server:
        one = await enrol(server, method)
        assert await attach(one, url) == 400
        assert (await one.log_in("x.y.z")).status == 404


@pytest.mark.parametrize("method", ["oidc-auth", "jwt-auth"])
@pytest.mark.parametrize("switch", ["false", "yes", ""])
async def test_what_leads_to_one_is_refused_when_it_connects(tmp_path: Path, method: str, switch: str) -> None:
    """An address that was fine when it was attached; the server has been started anew, and stricter, since."""
    authority, path = Authority("example.org", FakeClock(NOW), issuer="https://spire.test"), tmp_path / "db"
    async with DiscoveryProvider(authority) as provider:
        async with running(ON, path=path) as server:
            one = await enrol(server, method)
            assert await attach(one, provider.url) == 200
            assert (await one.log_in(authority.mint(SUBJECT, ["us"]))).status == 200
            key = server.keys[0]
        asked = len(provider.asked)
        async with running({**GUARDED, "allow_internal_ip_connections": switch}, path=path) as server:
            await server.server.unseal(key)
            answer = await Enrolled(server, one.id, method).log_in(authority.mint(SUBJECT, ["us"]))
            assert (answer.status, answer.body["error"]) == (401, "UnauthorizedError")
            assert "private address" in (await explained(server, answer))["reason"]
            assert await attach(await enrol(server, method), provider.url) == 400
        assert len(provider.asked) == asked


@pytest.mark.parametrize("value", ["true", "TRUE"])
async def test_the_environment_variable_allows_them(tls: Tls, value: str) -> None:
    async with running(GUARDED, {"ALLOW_INTERNAL_IP_CONNECTIONS": value}) as server:
        one = await enrol(server, "oidc-auth")
        assert await attach(one, tls.provider.url, caCert=tls.ca) == 200
        assert (await one.log_in(tls.mint())).status == 200


@pytest.mark.parametrize("method", ["oidc-auth", "jwt-auth"])
async def test_a_missing_ca_never_means_no_check(tls: Tls, method: str, tmp_path: Path) -> None:
    field = "caCert" if method == "oidc-auth" else "jwksCaCert"
    stranger = Path(make_certificates(str(tmp_path), "127.0.0.1", NOW).ca).read_text()
    async with running(ON) as server:
        one = await enrol(server, method)
        assert await attach(one, tls.provider.url) == 200
        refused = await one.log_in(tls.mint())
        assert refused.status == 401 and tls.provider.asked == []
        assert (await one.manage("PATCH", {field: stranger})).status == 200
        assert (await one.log_in(tls.mint())).status == 401 and tls.provider.asked == []
        assert (await one.manage("PATCH", {field: "no certificate"})).status == 400
        assert (await one.manage("PATCH", {field: tls.ca})).status == 200
        assert (await one.log_in(tls.mint())).status == 200
        assert (await one.manage("PATCH", {field: ""})).status == 200
        assert (await one.log_in(tls.mint())).status == 401  # taken away: the system's again, which do not know it


async def test_each_namespace_has_its_own_word() -> None:
    authority = Authority("example.org", FakeClock(NOW), issuer="https://spire.test")
    stanzas = ({**GUARDED, "name": "strict"}, {**ON, "name": "lax"})
    settings = Settings(stanzas={"infisical": stanzas})
    async with DiscoveryProvider(authority) as provider, TestServer(clock=FakeClock(NOW), settings=settings) as server:
        for name, status in (("strict", 400), ("lax", 200)):
            assert (await server.post(f"sys/namespaces/{name}", {})).status == 200
            inside = {"X-Vault-Namespace": name}
            entity = await server.post("identity/entity", {}, headers=inside)
            fields = {
                "oidcDiscoveryUrl": provider.url, "boundIssuer": "https://spire.test", "boundAudiences": "us",
                "boundSubject": SUBJECT, "boundClaims": {},
            }  # fmt: skip
            identity = entity.data["id"]
            path = f"/api/v1/auth/oidc-auth/identities/{identity}"
            assert (await server.post(path, fields, headers=inside)).status == status
            body = {"identityId": identity, "jwt": authority.mint(SUBJECT, ["us"])}
            answer = await server.post("/api/v1/auth/oidc-auth/login", body, token="", headers=inside)
            assert answer.status == (200 if status == 200 else 404), answer
            if status == 200:
                token = answer.body["accessToken"]
                own = await server.get("auth/token/lookup-self", token=token, headers=inside)
                assert (own.status, own.data["entity_id"]) == (200, identity)
                assert (await server.get("cubbyhole/x", token=token, headers=inside)).status == 404
                assert (await server.get("cubbyhole/x", token=token)).status == 403
