"""Configurations and roles: what is refused, what a write keeps, what a read shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.jwt.conftest import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = "KEYS"  # stands for a good key
ONE = (
    "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or 'provider_config' "
    "must be set"
)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, ONE),
    ({"jwt_validation_pubkeys": KEYS, "jwks_url": "https://x.test"}, ONE),
    ({"jwt_validation_pubkeys": KEYS, "oidc_discovery_url": "https://x.test"}, ONE),
    ({"jwks_url": "https://x.test", "jwks_pairs": [{"jwks_url": "https://x.test"}]}, ONE),
    ({"jwt_validation_pubkeys": "no pem"}, "error parsing public key: data does not contain any valid public keys"),
    (
        {"jwt_validation_pubkeys": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
        "error parsing public key: x509: malformed certificate",
    ),
    ({"jwt_validation_pubkeys": [KEYS] * 9}, "error parsing public key: 9 keys, at most 8 are allowed"),
    ({"jwks_url": "http://127.0.0.1:1/x"}, "error checking jwks URL"),
    ({"jwks_url": "file:///etc/passwd"}, "error checking jwks URL"),
    ({"jwks_url": "https://127.0.0.1:1/", "jwks_ca_pem": "no"}, "error checking jwks_ca_pem"),
    ({"jwks_pairs": [{"jwks_url": "http://127.0.0.1:1/x"}]}, "error checking jwks URL for jwks_pairs[0]"),
    ({"jwks_pairs": [{"jwks_url": ""}]}, "invalid jwks_pairs: 'jwks_url' must be a non-empty string"),
    (
        {"jwks_pairs": [{"jwks_url": "a", "issuer": "i"}, {"jwks_url": "b"}]},
        "invalid jwks_pairs: either every pair names its 'issuer' or none does",
    ),
    (
        {"jwks_pairs": [{"jwks_url": "a", "issuer": "i"}, {"jwks_url": "b", "issuer": "i"}]},
        "invalid jwks_pairs: two pairs name the same 'issuer'",
    ),
    (
        {"jwks_pairs": [{"jwks_url": "https://x.test"}], "bound_issuer": "x"},
        "Bound issuer is not supported for use with 'jwks_pairs'",
    ),
    ({"jwks_pairs": [{"jwks_url": "a"}], "jwks_ca_pem": "x"}, "'jwks_ca_pem' cannot be used with 'jwks_pairs'"),
    ({"oidc_discovery_url": "http://127.0.0.1:1"}, "error checking oidc discovery URL"),
    (
        {"oidc_discovery_url": "https://x.test/.well-known/openid-configuration"},
        "'oidc_discovery_url' contains '.well-known' component",
    ),
    (
        {"oidc_discovery_url": "https://x.test", "oidc_client_id": "a"},
        "both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC",
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "oidc_client_id": "a", "oidc_client_secret": "b"},
        "'oidc_discovery_url' must be set for OIDC",
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "jwt_supported_algs": "RS256,HS256"},
        'invalid jwt_supported_algs: unsupported signing algorithm "HS256"',
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "oidc_response_types": "code,token"},
        "invalid response_types [code token]. 'code' and 'id_token' are allowed",
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "oidc_response_types": "id_token"},
        "query response_mode may not be used with an id_token response_type",
    ),
    ({"jwt_validation_pubkeys": KEYS, "oidc_response_mode": "fragment"}, 'invalid response_mode: "fragment"'),
    (
        {"jwt_validation_pubkeys": KEYS, "provider_config": {"provider": "x"}},
        'invalid provider_config: provider "x" not found in custom providers',
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "provider_config": {"provider": "gsuite"}},
        'invalid provider_config: provider "gsuite" is not built into this server',
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "provider_config": {"x": "y"}},
        "invalid provider_config: 'provider' field not found in provider_config",
    ),
    (
        {"jwt_validation_pubkeys": KEYS, "override_allowed_server_names": "x"},
        "'override_allowed_server_names' is not supported: give the issuer's CA or use its own name",
    ),
]


def filled(stage: Stage, body: dict[str, Any]) -> dict[str, Any]:
    def fill(value: Any) -> Any:
        return (
            [fill(item) for item in value] if isinstance(value, list) else stage.signer.pem if value == KEYS else value
        )

    return {name: fill(value) for name, value in body.items()}


@pytest.mark.parametrize(("body", "text"), REFUSED)
async def test_a_config_that_is_refused(stage: Stage, body: dict[str, Any], text: str) -> None:
    before = (await stage.server.get("auth/jwt/config")).data
    answer = await stage.server.post("auth/jwt/config", filled(stage, body))
    assert (answer.status, answer.errors) == (400, [text])
    assert (await stage.server.get("auth/jwt/config")).data == before


async def test_a_config_write_replaces_all_but_one_field(stage: Stage) -> None:
    stage.fresh = False
    first = {"jwt_validation_pubkeys": stage.signer.pem, "bound_issuer": "x", "default_role": "R"}
    await stage.server.post("auth/jwt/config", {**first, "namespace_in_state": False, "jwt_supported_algs": "RS256"})
    shown = (await stage.server.get("auth/jwt/config")).data
    assert (shown["bound_issuer"], shown["default_role"], shown["status"]) == ("x", "r", "valid")
    await stage.server.post("auth/jwt/config", {"jwt_validation_pubkeys": stage.signer.pem})
    shown = (await stage.server.get("auth/jwt/config")).data
    assert (shown["bound_issuer"], shown["default_role"], shown["jwt_supported_algs"]) == ("", "", [])
    assert shown["namespace_in_state"] is False
    assert (await stage.server.delete("auth/jwt/config")).status == 405


async def test_no_secret_is_shown(stage: Stage) -> None:
    config = stage.provider.config(provider_config={"provider": "azure", "client_secret": "hidden", "x": 1})
    await stage.mount("jwt", **config)
    answer = await stage.server.get("auth/jwt/config")
    assert answer.data["oidc_client_id"] == config["oidc_client_id"]
    assert answer.data["provider_config"] == {"provider": "azure", "x": 1}
    assert config["oidc_client_secret"] not in repr(answer.body)
    assert "hidden" not in repr(answer.body)


async def test_an_unreachable_issuer_can_be_a_warning(stage: Stage) -> None:
    stage.fresh = False
    body = {"oidc_discovery_url": "http://127.0.0.1:1", "skip_jwks_validation": True}
    answer = await stage.server.post("auth/jwt/config", body)
    assert (answer.status, answer.body["warnings"]) == (200, ["error checking oidc discovery URL"])
    shown = await stage.server.get("auth/jwt/config")
    assert shown.data["status"] == "invalid"
    assert "skip_jwks_validation" not in shown.data
    refused = await stage.login(stage.token())
    assert refused.status == 502
    assert await stage.failed(refused) == ["jwt.keys"]


ROLES: list[tuple[dict[str, Any], str]] = [
    ({"user_claim": ""}, "a user claim must be defined on the role"),
    ({"bound_audiences": ""}, "must have at least one bound constraint when creating/updating a role"),
    ({"role_type": "saml"}, "invalid 'role_type': saml"),
    ({"role_type": ""}, "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified."),
    ({"bound_claims_type": "regex"}, "invalid 'bound_claims_type': regex"),
    ({"bound_claims_type": "glob", "bound_claims": {"a": ["x", 1]}}, "claim is not a string: 1"),
    ({"bound_claims_type": "glob", "bound_claims": {"a": {"b": "c"}}}, "claim is not a string or list: map[b:c]"),
    (
        {"claim_mappings": {"a": "role"}},
        'metadata key "role" is reserved and may not be a mapping destination',
    ),
    ({"claim_mappings": {"a": "x", "b": "x"}}, 'multiple keys are mapped to metadata key "x"'),
    ({"oauth2_metadata": "password"}, "Unrecognized oauth2 metadata name password"),
    ({"callback_mode": "fax"}, "invalid 'callback_mode': fax"),
    ({"poll_interval": -1}, "'poll_interval' cannot be negative"),
    ({"token_ttl": 20, "token_max_ttl": 10}, "'token_ttl' cannot be greater than 'token_max_ttl'"),
]


@pytest.mark.parametrize(("changed", "text"), ROLES)
async def test_a_role_that_is_refused(stage: Stage, changed: dict[str, Any], text: str) -> None:
    body = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", **changed}
    answer = await stage.server.post("auth/jwt/role/new", body)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await stage.server.get("auth/jwt/role/new")).status == 404


async def test_what_a_role_write_sets_back(stage: Stage) -> None:
    await stage.role(bound_claims_type="glob", bound_claims={"a": "b*"}, callback_mode="device", token_ttl=60)
    assert (await stage.server.post("auth/jwt/role/r", {"token_ttl": 61})).status == 400
    await stage.server.post("auth/jwt/role/R", {"role_type": "jwt", "token_ttl": 62, "poll_interval": 9})
    shown = (await stage.server.get("auth/jwt/role/r")).data
    assert (shown["bound_claims_type"], shown["callback_mode"]) == ("string", "client")
    assert (shown["bound_claims"], shown["token_ttl"], shown["poll_interval"]) == ({"a": "b*"}, 62, 9)
    assert "policies" not in shown


async def test_logins_without_role_config_or_token(stage: Stage) -> None:
    assert (await stage.login(stage.token(), role="")).errors == ["missing role"]
    assert (await stage.login(stage.token(), role="none")).errors == ['role "none" could not be found']
    assert (await stage.login("")).errors == ["missing token"]
    await stage.role(role_type="oidc", allowed_redirect_uris="http://localhost/x")
    assert (await stage.login(stage.token())).errors == ["role with oidc role_type is not allowed"]
    await stage.mount("jwt")
    assert (await stage.login(stage.token())).errors == ["could not load configuration"]


async def test_the_default_role_and_unknown_fields(stage: Stage) -> None:
    await stage.mount("jwt", jwt_validation_pubkeys=stage.signer.pem, default_role="R")
    await stage.role()
    answer = await stage.login(stage.token(), role="", surplus=1)
    assert (answer.status, answer.auth["metadata"]) == (200, {"role": "r"})
    assert answer.body["warnings"] == ["Endpoint ignored these unrecognized parameters: [surplus]"]
