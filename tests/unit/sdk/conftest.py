from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import LogCapture

from tests.unit.sdk.issuer import Issuer, self_signed
from vaultlike.clock import FakeClock
from vaultlike.sdk.egress import Egress, EgressClient


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    folder: Path = tmp_path_factory.mktemp("tls")
    return self_signed(folder)


@pytest.fixture(scope="session")
def rsa_keys() -> tuple[rsa.RSAPrivateKey, ...]:
    return tuple(rsa.generate_private_key(65537, 2048) for _ in range(3))


@pytest.fixture
def logged() -> LogCapture:
    return LogCapture()


@pytest.fixture
async def egress(clock: FakeClock, logged: LogCapture) -> AsyncIterator[Egress]:
    log = structlog.wrap_logger(
        structlog.PrintLogger(), [logged], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    made = Egress(clock=clock, log=log, user_agent="vaultlike-test/1")
    yield made
    await made.close()


@pytest.fixture
async def issuer(certificate: tuple[str, ssl.SSLContext]) -> AsyncIterator[Issuer]:
    made = Issuer()
    await made.start(certificate[1])
    yield made
    await made.stop()


@pytest.fixture
def client(egress: Egress, certificate: tuple[str, ssl.SSLContext]) -> EgressClient:
    return egress.client(ca_pem=certificate[0])
