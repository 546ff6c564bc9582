"""The HTTP client: errors, retries, redirects, headers, TLS mismatches."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import Cli, FakeServer, _Handler


def test_an_error_answer_has_the_known_shape(cli: Cli, server: FakeServer) -> None:
    server.error("PUT", "secret/x", 403, "1 error occurred:\n\t* permission denied\n\n")
    result = cli("write", "secret/x", "a=1")
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith(
        "Error writing data to secret/x: Error making API request.\n\n"
        f"URL: PUT {server.url}/v1/secret/x\nCode: 403. Errors:\n\n* 1 error occurred:\n\t* permission denied\n"
    )


def test_a_namespace_is_named_in_the_error_and_sent(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "secret/x", 400, "no")
    result = cli("read", "-ns=team/", "secret/x")
    assert f"Namespace: team\nURL: GET {server.url}/v1/secret/x\n" in result.err
    assert server.seen[0].headers["x-vault-namespace"] == "team"


def test_an_answer_without_errors_is_shown_raw(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "secret/x", "<html>gateway</html>", 500)
    assert "Code: 500. Raw Message:\n\n<html>gateway</html>" in cli("write", "-f", "secret/x").err


def test_a_refused_connection_is_tried_three_times_and_explained(cli: Cli) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    result = cli("write", "secret/x", "a=1", env={"VAULT_ADDR": address})
    assert result.code == 2
    assert result.err.startswith(f"Error writing data to secret/x: connection to {address} refused")
    assert f"is the server running, and at {address}?" in result.err
    assert "vaultlike server -dev" in result.err
    assert len(result.waits) == 2


@pytest.mark.parametrize("address", ["127.0.0.1:8200", "ftp://x", "https://", "http://h:port", ""])
def test_what_is_no_address_is_a_usage_error(cli: Cli, address: str) -> None:
    result = cli("read", f"-address={address}", "x/y")
    assert result.code == 1
    assert "VAULT_ADDR" in result.err


def test_a_read_is_repeated_after_a_server_error(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "a/b", 502, "upstream")
    server.error("GET", "a/b", 500, "again")
    server.enveloped("GET", "a/b", {"k": "v"})
    result = cli("read", "-field=k", "a/b")
    assert (result.code, result.out, len(result.waits)) == (0, "v", 2)


@pytest.mark.parametrize(("status", "method"), [(501, "read"), (500, "write")])
def test_what_must_not_be_repeated(cli: Cli, server: FakeServer, status: int, method: str) -> None:
    server.error("GET" if method == "read" else "PUT", "a/b", status, "no")
    assert cli(method, *(["-f"] if method == "write" else []), "a/b").code == 2
    assert len(server.seen) == 1


def test_a_sealed_server_is_not_asked_again(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "a/b", 503, "Vault is sealed")
    server.on("GET", "sys/seal-status", {"initialized": True, "sealed": True})
    result = cli("read", "a/b")
    assert [seen.path for seen in server.seen] == ["a/b", "sys/seal-status"]
    assert "vaultlike operator unseal" in result.err


def test_a_server_that_was_never_initialized(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "a/b", 503, "Vault is sealed")
    server.on("GET", "sys/seal-status", {"initialized": False, "sealed": True})
    assert "vaultlike operator init" in cli("read", "a/b").err


def test_too_many_requests_waits_as_told_also_for_writes(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "a/b", {"errors": ["slow down"]}, 429, {"Retry-After": "3"})
    server.on("PUT", "a/b")
    result = cli("write", "-f", "a/b")
    assert (result.code, result.waits) == (0, [3.0])


def test_the_number_of_retries_can_be_set(cli: Cli, server: FakeServer) -> None:
    server.error("GET", "a/b", 500, "no")
    assert cli("read", "a/b", env={"VAULT_MAX_RETRIES": "0"}).waits == []
    assert cli("read", "a/b", env={"VAULT_MAX_RETRIES": "-1"}).code == 1
    assert cli("read", "a/b", env={"VAULT_CLIENT_TIMEOUT": "soon"}).code == 1


def test_one_redirect_is_followed_with_method_and_body(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "a/b", "", 307, {"Location": f"{server.url}/v1/c/d"})
    server.on("PUT", "c/d")
    assert cli("write", "a/b", "k=v").code == 0
    assert server.seen[-1].path == "c/d"
    assert server.seen[-1].body == {"k": "v"}


def test_a_second_redirect_is_an_error(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "a/b", "", 307, {"Location": "/v1/a/b"})
    cli("write", "-f", "a/b")
    assert len(server.seen) == 2


def test_headers_of_every_request(cli: Cli, server: FakeServer) -> None:
    server.on("PUT", "a/b")
    cli("write", "-header=X-Team=blue", "-wrap-ttl=2m", "a/b", "k=ä")
    headers = server.seen[0].headers
    assert headers["x-vault-token"] == "hvs.caller"
    assert headers["x-vault-request"] == "true"
    assert headers["x-vault-wrap-ttl"] == "120s"
    assert headers["x-team"] == "blue"
    assert headers["content-type"] == "application/json"
    assert server.seen[0].body == {"k": "ä"}


def test_headers_of_the_api_cannot_be_set_by_hand(cli: Cli, server: FakeServer) -> None:
    assert cli("read", "-header=X-Vault-Token=x", "a/b").code == 1
    assert server.seen == []


def test_a_token_with_control_characters_is_not_sent(cli: Cli, server: FakeServer) -> None:
    result = cli("read", "a/b", token="hvs.\x1b[0m")
    assert result.code == 1
    assert server.seen == []


def test_the_path_is_quoted_once(cli: Cli, server: FakeServer) -> None:
    server.enveloped("GET", "a/b%20c%25", {"k": "v"})
    assert cli("read", "/a/b c%/").code == 0


def test_a_preview_shows_no_token_and_sends_nothing(cli: Cli, server: FakeServer) -> None:
    result = cli("write", "-output-curl-string", "a/b", "k=it's")
    assert result.code == 0
    assert "hvs.caller" not in result.out
    assert "$(vaultlike print token)" in result.out
    assert result.out.startswith("curl -X PUT ")
    assert result.out.rstrip().endswith(f"{server.url}/v1/a/b")
    assert server.seen == []


@pytest.mark.parametrize(
    ("words", "capabilities"),
    [
        (("read", "a/b"), '"read"'),
        (("list", "a/b"), '"list"'),
        (("write", "-f", "sys/audit/file"), '"create", "update", "sudo"'),
        (("delete", "a/b"), '"delete"'),
        (("patch", "-f", "a/b"), '"patch"'),
    ],
)
def test_the_policy_of_a_request(cli: Cli, server: FakeServer, words: tuple[str, ...], capabilities: str) -> None:
    result = cli(words[0], "-output-policy", *words[1:])
    assert f"capabilities = [{capabilities}]" in result.out
    assert server.seen == []


class _Quiet(FakeServer):
    """Refused handshakes are what is tested: no tracebacks for them."""

    def handle_error(self, request: object, client_address: object) -> None:
        return


class Pair:
    """A TLS server with a certificate of its own making."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vault.test")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("vault.test")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self.server = _Quiet(("127.0.0.1", 0), _Handler)
        self.server.table, self.server.seen = {}, []
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("tls"))
    made.server.enveloped("GET", "a/b", {"k": "v"})
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_tls_to_a_plain_server_says_so(cli: Cli, server: FakeServer) -> None:
    address = server.url.replace("http://", "https://")
    result = cli("read", "a/b", env={"VAULT_ADDR": address, "VAULT_SKIP_VERIFY": "1"})
    assert result.code == 2
    assert f"export VAULT_ADDR={server.url}" in result.err
    assert result.waits == []


def test_plain_http_to_a_tls_server_says_so(cli: Cli, pair: Pair) -> None:
    address = pair.address.replace("https://", "http://")
    result = cli("read", "a/b", env={"VAULT_ADDR": address})
    assert result.code == 2
    assert f"export VAULT_ADDR={pair.address}" in result.err


def test_an_unknown_authority_is_refused(cli: Cli, pair: Pair) -> None:
    result = cli("read", "a/b", env={"VAULT_ADDR": pair.address})
    assert result.code == 2
    assert "VAULT_CACERT" in result.err
    assert result.waits == []


def test_another_name_in_the_certificate_is_refused(cli: Cli, pair: Pair) -> None:
    result = cli("read", "a/b", env={"VAULT_ADDR": pair.address, "VAULT_CACERT": str(pair.certificate)})
    assert result.code == 2
    assert "certificate is not accepted" in result.err


def test_files_that_cannot_be_loaded_are_a_usage_error(cli: Cli, pair: Pair) -> None:
    assert cli("read", "-ca-cert=/no/such", "a/b", env={"VAULT_ADDR": pair.address}).code == 1
    assert cli("read", f"-client-cert={pair.key}", "a/b", env={"VAULT_ADDR": pair.address}).code == 1


def test_a_known_authority_and_name_are_accepted(cli: Cli, pair: Pair) -> None:
    env = {"VAULT_ADDR": pair.address, "VAULT_TLS_SERVER_NAME": "vault.test"}
    assert cli("read", f"-ca-cert={pair.certificate}", "-field=k", "a/b", env=env).out == "v"
    folder = pair.certificate.parent / "cas"
    folder.mkdir()
    (folder / "one.pem").write_bytes(pair.certificate.read_bytes())
    assert cli("read", f"-ca-path={folder}", "-field=k", "a/b", env=env).out == "v"
    assert cli("read", "-tls-skip-verify", "-field=k", "a/b", env={"VAULT_ADDR": pair.address}).out == "v"
