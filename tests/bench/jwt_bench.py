"""What one JWT costs: parsing alone, and a whole verification. Run: python -m tests.bench.jwt_bench"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.unit.sdk.issuer import PrivateKey, jwk, sealed
from vaultlike.sdk.jwks import KeySet, StaticKeys, decode_unverified, verify

NOW = 1_767_225_600.0
TENANT = "11111111-1111-1111-1111-111111111111"
PAYLOAD = {
    "aud": "https://management.azure.com/",
    "iss": f"https://sts.windows.net/{TENANT}/",
    "iat": NOW - 60,
    "nbf": NOW - 60,
    "exp": NOW + 86_400,
    "aio": "E2NgYFj" * 6,
    "appid": "22222222-2222-2222-2222-222222222222",
    "appidacr": "2",
    "idp": f"https://sts.windows.net/{TENANT}/",
    "idtyp": "app",
    "oid": "33333333-3333-3333-3333-333333333333",
    "rh": "0.AAAA" * 6,
    "sub": "33333333-3333-3333-3333-333333333333",
    "tid": TENANT,
    "uti": "abcdefghijk",
    "ver": "1.0",
    "xms_mirid": "/subscriptions/4/resourcegroups/rg/providers/Microsoft.Compute/virtualMachines/vm1",
}


def microseconds(work: Callable[[], object], rounds: int = 5000) -> float:
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            work()
        best = min(best, (time.perf_counter() - start) / rounds)
    return best * 1e6


def step(alg: str, key: PrivateKey) -> None:
    token = sealed(key, {"typ": "JWT", "alg": alg, "x5t": "k" * 27, "kid": "k" * 27}, PAYLOAD)
    keys = KeySet.parse(msgspec.json.encode({"keys": [jwk(key, "k" * 27, use="sig")]}))
    source = StaticKeys(keys)
    parsed = decode_unverified(token)

    def whole() -> None:
        # a static source never suspends: one send runs the coroutine to its end
        job = verify(
            token,
            keys=source,
            issuers=(str(PAYLOAD["iss"]),),
            audiences=(str(PAYLOAD["aud"]),),
            algorithms=(alg,),
            now=NOW,
        )
        try:
            job.send(None)
        except StopIteration:
            return
        raise AssertionError("suspended")

    check = microseconds(lambda: keys.verifies(parsed.header.kid, alg, parsed.signature, parsed.signing_input), 2000)
    print(
        f"{alg}: {len(token)} characters, parse {microseconds(lambda: decode_unverified(token)):.1f} us,"
        f" signature {check:.1f} us, verify in all {microseconds(whole, 2000):.1f} us"
    )


async def main() -> None:
    step("RS256", rsa.generate_private_key(65537, 2048))
    step("ES256", ec.generate_private_key(ec.SECP256R1()))
    step("EdDSA", ed25519.Ed25519PrivateKey.generate())


if __name__ == "__main__":
    asyncio.run(main())
