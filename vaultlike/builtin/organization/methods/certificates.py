"""CA certificates in attachments: read when they are written, so that a broken one is refused at once and never comes
to mean "the system's" or "no check".
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vaultlike.errors import Invalid

MAX_PEM = 65_536  # characters
Pem = Annotated[str, Meta(max_length=MAX_PEM)]


def checked_ca(text: str, field: str) -> str:
    """The certificates, trimmed; "" for none. Raises Invalid."""
    from cryptography.x509 import load_pem_x509_certificates

    pem = text.strip()
    if not pem:
        return ""
    try:
        if len(pem) > MAX_PEM:
            raise ValueError
        load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise Invalid(f"{field} is not a PEM certificate") from None
    return pem
