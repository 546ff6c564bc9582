"""Names of TLS versions and cipher suites as configuration files spell them."""

from __future__ import annotations

import ssl
from typing import Literal

TlsVersion = Literal["tls12", "tls13"]
VERSIONS: dict[str, ssl.TLSVersion] = {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}


def openssl_names(names: str) -> str:
    """A comma separated list of IANA (`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`) or OpenSSL names as an OpenSSL list.

    The names of TLS 1.3 suites are dropped: OpenSSL always offers those. Unknown names are left to OpenSSL to refuse.
    """
    found: list[str] = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        if not name.startswith("TLS_"):
            found.append(name)
        elif "_WITH_" in name:
            exchange, _, cipher = name.removeprefix("TLS_").partition("_WITH_")
            cipher = cipher.replace("AES_128", "AES128").replace("AES_256", "AES256").replace("_", "-")
            if cipher.startswith("CHACHA20-POLY1305"):
                cipher = "CHACHA20-POLY1305"
            found.append(f"{exchange.replace('_', '-')}-{cipher}")
    return ":".join(found)
