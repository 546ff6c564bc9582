"""What a configuration must not say, and where the operator is told that it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vaultlike.config import load

Problems = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('storage "postgresql" {}', '1: storage "postgresql" is not built: sqlite (durable) or inmem (for tests)'),
        ('storage "sqlit" { path = "x" }', '1: unknown storage "sqlit": sqlite or inmem, did you mean "sqlite"?'),
        ('storage "sqlite" {}', '1: storage "sqlite" needs path, the file of the database'),
        ('storage "sqlite" { path = "" }', "1: path must not be empty"),
        ('\nstorge "inmem" {}', '2: unknown key "storge" in the configuration, did you mean "storage"?'),
        ("log_levl = 1", '1: unknown key "log_levl" in the configuration, did you mean "log_level"?'),
        ("zzz = 1", '1: unknown key "zzz" in the configuration'),
        ('log_level = "loud"', "1: log_level must be one of trace, debug, info, notice, warn, warning, error, err"),
        ('log_format = "xml"', "1: log_format must be one of standard, json"),
        ('api_addr = "vault:8200"', '1: api_addr must be an address such as "https://host:8200"'),
        ('api_addr = "https://x y"', '1: api_addr must be an address such as "https://host:8200"'),
        ('default_lease_ttl = "soon"', '1: default_lease_ttl must be a span of time, such as 3600 or "768h"'),
        ("default_lease_ttl = -1", '1: default_lease_ttl must be a span of time, such as 3600 or "768h"'),
        ("workers = 1.5", "1: workers must be a whole number, 0 or more"),
        ('listener "tcp" { tls_disable = "yes please" }', "1: tls_disable must be true or false"),
        ('listener "tcp" { tls_disabled = true }',
         '1: unknown key "tls_disabled" in listener "tcp", did you mean "tls_disable"?'),
        ('listener "tcp" { socket_mode = "600" }', '1: unknown key "socket_mode" in listener "tcp"'),
        ('listener "udp" {}', '1: unknown listener "udp": tcp or unix'),
        ('listener "unix" {}', '1: listener "unix" needs address, the path of its socket'),
        ('listener "tcp" { max_request_size = "big" }',
         '1: max_request_size must be a size, such as 33554432 or "32MiB"'),
        ('listener "tcp" { max_request_duration = 0 }', "1: max_request_duration must be more than 0"),
        ('listener "tcp" { tls_min_version = "tls10" }', "1: tls_min_version must be one of tls12, tls13"),
        ('listener "tcp" { proxy_protocol_behavior = "use_always" }',
         "1: proxy_protocol_behavior: the PROXY protocol is not built"),
        ('listener "tcp" { custom_response_headers { "600" = { "X" = ["a"] } } }',
         '1: custom_response_headers "600" is no status: "default", "4xx" or "404"'),
        ('listener "tcp" = "x"', "1: nested object expected: LBRACE got: ="),
        ('listener = "tcp"', "1: listener must be a block with a label"),
        ('listener "tcp" "x" {}', "1: listener takes one label"),
        ('seal "awskms" {}', '1: seal "awskms" is not built: shamir, static or transit'),
        ('seal "transit" { tls_skip_verify = true }',
         "1: tls_skip_verify: the key service's certificate is always checked: use tls_ca_cert"),
        ('seal "transit" {}\nseal "transit" {}', '2: two seals are called "transit", the first on line 1: name them'),
        ('seal "static" {}\nseal "shamir" {}', '2: seal "shamir" stands alone: leave it out, or disable the others'),
        ('seal "transit" { disabled = "maybe" }', "1: disabled must be true or false"),
        ('seal "static" { current_key = "env://ABSENT" }',
         "1: current_key names the environment variable ABSENT, which is not set"),
        ('seal "static" { current_key = "file:///no/such/file" }',
         "1: current_key names the file /no/such/file, which cannot be read: No such file or directory"),
        ('azure_cloud "x" { active_directory = "http://a" }', "1: active_directory must be an https address"),
        ('azure_cloud "x" { active_directory = "https://a" }', '1: azure_cloud "x" needs resource_manager'),
        ('user_lockout "azure" {}', '1: user_lockout "azure": must be one of all, userpass, ldap, approle'),
        ('user_lockout "all" { lockout_threshold = "many" }',
         "1: lockout_threshold must be a whole number, 0 or more"),
        ('plugins "x" { allow = [] }', "1: plugins must be a block without a label"),
        ("plugins { alow = [] }", '1: unknown key "alow" in plugins, did you mean "allow"?'),
        ("plugins { allow = [[]] }", "1: allow must be a string"),
        ("entropy \"seal\" {}", "1: entropy: other sources of randomness than the operating system's are not built"),
        ("a {", "1: object expected closing RBRACE got: EOF"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line(problems: Problems, text: str, problem: str) -> None:
    found = problems(text)
    assert problem in found, found


def test_every_problem_is_told_at_once(problems: Problems) -> None:
    text = 'log_levl = "x"\nstorage "sqlite" {}\nlistener "tcp" {\n  adress = "a"\n  tls_disable = 7\n}\n'
    assert problems(text) == [
        '1: unknown key "log_levl" in the configuration, did you mean "log_level"?',
        '2: storage "sqlite" needs path, the file of the database',
        '4: unknown key "adress" in listener "tcp", did you mean "address"?',
        "5: tls_disable must be true or false",
    ]


def test_a_key_set_twice_in_one_file_is_refused(problems: Problems) -> None:
    assert problems('log_level = "info"\nlog_level = "warn"') == [
        "2: log_level is set twice in the configuration, first on line 1"
    ]


def test_two_storages_are_refused(problems: Problems, tmp_path: Path) -> None:
    (problem,) = problems('storage "inmem" {}\nbackend "inmem" {}')
    assert problem == f"2: storage is configured twice, first at {tmp_path}/server.hcl:1"


def test_two_clouds_of_one_name_are_refused(problems: Problems) -> None:
    cloud = '{ active_directory = "https://a"\n resource_manager = "https://b" }'
    assert 'azure_cloud "X" is configured twice' in problems(f'azure_cloud "x" {cloud}\nazure_cloud "X" {cloud}')[0]


def test_a_default_longer_than_the_maximum_is_refused(problems: Problems) -> None:
    assert problems('max_lease_ttl = "1h"\ndefault_lease_ttl = "2h"') == [
        "2: default_lease_ttl is longer than max_lease_ttl"
    ]


def test_storage_and_listener_are_needed(problems: Problems) -> None:
    found = problems("", complete=True)
    assert len(found) == 2 and "storage block is needed" in found[0] and "listener block is needed" in found[1]


def test_a_bad_environment_is_told_by_its_name(problems: Problems) -> None:
    (problem,) = problems("", environment={"VAULT_LOG_LEVEL": "loud"})
    assert "must be one of" in problem


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    binary = tmp_path / "binary.hcl"
    binary.write_bytes(b"\xff\xfe\x00")
    found = load([str(tmp_path / "absent.hcl"), str(empty), str(binary)], {}, complete=False).problems
    assert [str(each) for each in found] == [
        f"{tmp_path}/absent.hcl: cannot be read: No such file or directory",
        f"{tmp_path}/empty: the folder holds no .hcl or .json file",
        f"{tmp_path}/binary.hcl: is not UTF-8 text",
    ]


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "huge.hcl"
    file.write_text("#" * (2 * 1024 * 1024))
    (problem,) = load([str(file)], {}, complete=False).problems
    assert "longer than" in problem.text


def test_a_secret_is_in_no_text(read: Callable[..., object], problems: Problems) -> None:
    secret = "c2VjcmV0IGtleSBvZiB0aGUgc2VhbCAzMiBieXRlcyE="
    text = f'seal "static" {{ current_key_id = "a"\n current_key = "{secret}"\n curent_key = "{secret}" }}'
    assert secret not in repr(problems(text))
    assert secret not in repr(read(text, complete=False))


def test_json_tells_lines_too(problems: Problems) -> None:
    text = json.dumps({"listener": {"tcp": {"adress": "x"}}}, indent=1)
    assert problems(text, name="a.json") == ['4: unknown key "adress" in listener "tcp", did you mean "address"?']
