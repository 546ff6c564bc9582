"""The attested document: facts about a machine, signed as PKCS #7 (spec/azure.md 7.3).

Owns making it. Signed with the active signing key; its certificate is self-signed, unlike Azure's.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from msgspec import Struct

from vaultlike.testing.azure.instance import vm_id_of
from vaultlike.testing.azure.model import Host
from vaultlike.testing.azure.state import State

_LIFETIME = 6 * 3600


class Stamp(Struct, frozen=True, rename="camel"):
    created_on: str
    expires_on: str


class Document(Struct, frozen=True, kw_only=True, rename="camel"):
    license_type: str = ""
    nonce: str
    sku: str = "22_04-lts"
    subscription_id: str
    time_stamp: Stamp
    vm_id: str


def attest(state: State, host: Host, nonce: str) -> str:
    """base64 of the DER signature over the document; without a nonce Azure puts its own time there, and so do we."""
    now = state.now()
    content = Document(
        nonce=nonce or datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S"),
        subscription_id=host.subscription,
        time_stamp=Stamp(_date(now), _date(now + _LIFETIME)),
        vm_id=vm_id_of(host),
    )
    certificate = x509.load_der_x509_certificate(state.keys.certificate())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(msgspec.json.encode(content))
    builder = builder.add_signer(certificate, state.keys.private(), hashes.SHA256())
    return base64.b64encode(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])).decode()


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%m/%d/%y %H:%M:%S +0000")
