"""Minting: what an honest token holds, and every way of bending one (spec/azure.md 7.2)."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from vaultlike.clock import FakeClock
from vaultlike.errors import NotFound
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.jose import Algorithm, Jwk, parse, public_key, unb64, verified
from vaultlike.testing.azure.keys import STRANGER


def claims(emulator: AzureEmulator, order: TokenOrder) -> dict[str, object]:
    return parse(emulator.control.mint(order), dict[str, object]).claims


def published(emulator: AzureEmulator, token: str) -> bool:
    """Whether any published key verifies this token as RS256."""
    parsed = parse(token, dict[str, object])
    keys = [Jwk(kty=one.kty, n=one.n, e=one.e) for one in emulator._live.state.keys.jwks()]
    return any(verified(parsed.signed, parsed.signature, public_key(key)) for key in keys)


@pytest.mark.parametrize(
    "order",
    [
        TokenOrder(host="nobody"),
        TokenOrder(identity="nobody"),
        TokenOrder(app="nobody"),
        TokenOrder(key="nobody"),
    ],
)
async def test_orders_for_what_is_not_there(emulator: AzureEmulator, order: TokenOrder) -> None:
    with pytest.raises(NotFound):
        emulator.control.mint(order)


async def test_an_honest_token_of_a_machine(emulator: AzureEmulator, clock: FakeClock) -> None:
    token = emulator.control.mint()
    got = parse(token, dict[str, object])
    assert published(emulator, token)
    assert got.header.alg == "RS256"
    assert got.header.kid == got.header.x5t == emulator.control.keys()[0].kid
    now = int(clock.now())
    assert got.claims["iat"] == got.claims["nbf"] == int(clock.now() - 300)
    assert got.claims["exp"] == int(clock.now() + 86400) and now
    assert got.claims["sub"] == got.claims["oid"] == w.VM_PRINCIPAL_ID
    wanted = {"appid": w.VM_CLIENT_ID, "appidacr": "2", "idtyp": "app", "ver": "1.0", "tid": w.TENANT_ID}
    assert wanted.items() <= got.claims.items()
    assert {"aio", "rh", "uti", "idp"} <= got.claims.keys()


async def test_version_2(emulator: AzureEmulator) -> None:
    got = claims(emulator, TokenOrder(audience=w.API_URI, version=2))
    assert got["iss"] == f"{emulator.authority_url}/{w.TENANT_ID}/v2.0"
    assert (got["ver"], got["azp"], got["azpacr"]) == ("2.0", w.VM_CLIENT_ID, "2")
    assert "appid" not in got


@pytest.mark.parametrize(
    ("order", "mirid", "az_rid"),
    [
        (TokenOrder(), f"/virtualMachines/{w.VM}", None),
        (TokenOrder(host=w.USER_VM), f"/userAssignedIdentities/{w.IDENTITY}", f"/virtualMachines/{w.USER_VM}"),
        (TokenOrder(host=w.FLEX_VM), f"/userAssignedIdentities/{w.IDENTITY}", f"/virtualMachines/{w.FLEX_VM}"),
        (TokenOrder(host=w.UNIFORM_SCALE_SET), f"/virtualMachineScaleSets/{w.UNIFORM_SCALE_SET}", None),
        (TokenOrder(identity=w.IDENTITY), f"/userAssignedIdentities/{w.IDENTITY}", None),
        (TokenOrder(audience="api://any", xms="always"), f"/virtualMachines/{w.VM}", None),
        (TokenOrder(audience="api://any"), None, None),
        (TokenOrder(xms="never"), None, None),
        (TokenOrder(app=w.SERVER_CLIENT_ID), None, None),
    ],
)
async def test_xms_claims(emulator: AzureEmulator, order: TokenOrder, mirid: str | None, az_rid: str | None) -> None:
    got = claims(emulator, order)
    for name, ending in (("xms_mirid", mirid), ("xms_az_rid", az_rid)):
        value = got.get(name)
        assert (value is None) == (ending is None)
        if ending:
            assert str(value).startswith(f"/subscriptions/{w.SUBSCRIPTION_ID}/resourcegroups/")
            assert str(value).endswith(ending)


async def test_groups_and_overage(emulator: AzureEmulator) -> None:
    assert claims(emulator, TokenOrder(groups=["a", "b"]))["groups"] == ["a", "b"]
    assert claims(emulator, TokenOrder(groups=["a"], overage="hasgroups"))["hasgroups"] is True
    got = claims(emulator, TokenOrder(overage="claim_names"))
    assert got["_claim_names"] == {"groups": "src1"}
    assert "groups" not in got
    assert emulator.graph_url in str(got["_claim_sources"])


async def test_bent_claims(emulator: AzureEmulator) -> None:
    got = claims(emulator, TokenOrder(claims={"oid": 7, "groups": "text"}, drop=["appid", "exp", "unknown"]))
    assert (got["oid"], got["groups"]) == (7, "text")
    assert not {"appid", "exp"} & got.keys()
    token = emulator.control.mint(TokenOrder(float_dates=True))
    assert b'"exp":' in unb64(token.split(".")[1]) and b".0" in unb64(token.split(".")[1])
    late = claims(emulator, TokenOrder(issued_at=1000.0, lifetime=60.0))
    assert (late["nbf"], late["exp"]) == (700, 1060)


async def test_duplicate_keys(emulator: AzureEmulator) -> None:
    token = emulator.control.mint(TokenOrder(duplicates=[("oid", "evil"), ("oid", "worse")]))
    text = unb64(token.split(".")[1]).decode()
    assert text.count('"oid":') == 3
    assert text.index(w.VM_PRINCIPAL_ID) < text.index("evil") < text.index("worse")
    assert published(emulator, token)


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "HS256", "none"])
async def test_other_algorithms_never_verify_as_rs256(emulator: AzureEmulator, alg: Algorithm) -> None:
    token = emulator.control.mint(TokenOrder(alg=alg))
    assert parse(token, dict[str, object]).header.alg == alg
    assert not published(emulator, token)
    assert (token.endswith(".")) == (alg == "none")


async def test_the_other_algorithms_are_real(emulator: AzureEmulator) -> None:
    key = emulator._live.state.keys.private().public_key()
    for alg, digest in (("RS384", hashes.SHA384()), ("RS512", hashes.SHA512())):
        parsed = parse(emulator.control.mint(TokenOrder(alg=alg)), dict[str, object])  # type: ignore[arg-type]
        key.verify(parsed.signature, parsed.signed, padding.PKCS1v15(), digest)
    parsed = parse(emulator.control.mint(TokenOrder(alg="PS256")), dict[str, object])
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    key.verify(parsed.signature, parsed.signed, pss, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(parsed.signature, parsed.signed + b".", pss, hashes.SHA256())


async def test_keys_and_headers(emulator: AzureEmulator) -> None:
    control = emulator.control
    wrong = control.mint(TokenOrder(key=STRANGER))
    assert parse(wrong, dict[str, object]).header.kid == control.keys()[0].kid
    assert not published(emulator, wrong)
    second = control.mint(TokenOrder(key=control.keys()[1].kid))
    assert parse(second, dict[str, object]).header.kid == control.keys()[1].kid
    bare = control.mint(TokenOrder(kid=""))
    assert b"kid" not in unb64(bare.split(".")[0])
    assert parse(control.mint(TokenOrder(kid="made-up")), dict[str, object]).header.kid == "made-up"
    assert b'"jku":"x"' in unb64(control.mint(TokenOrder(header={"jku": "x"})).split(".")[0])


async def test_rotation(emulator: AzureEmulator) -> None:
    control = emulator.control
    before = control.mint()
    late = control.rotate_keys(publish=False)
    after = control.mint()
    assert parse(after, dict[str, object]).header.kid == late
    assert published(emulator, before) and not published(emulator, after)
    control.publish_key(late)
    assert published(emulator, after)
    control.retire_key(parse(before, dict[str, object]).header.kid)
    assert not published(emulator, before)
    keys = control.keys()
    assert [key.kid for key in keys if key.active] == [late]
