"""What a configuration may say, in every shape that clients and generators write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hcl
import msgspec
import pytest

from vaultlike.config import Loaded, load
from vaultlike.config.keys import LISTENER
from vaultlike.http.listener import ListenerSettings

Read = Callable[..., Loaded]
FULL = """
cluster_name = "east"
api_addr = "https://vault.test:8200"
log_level = "WARN"
log_format = "json"
default_lease_ttl = "1h"
max_lease_ttl = 7200
workers = 1
storage "sqlite" { path = "/data/v.db" }
listener "tcp" {
  address = "127.0.0.1:8200"
  tls_disable = "true"
  max_request_size = "1MiB"
  http_idle_timeout = "1m30s"
  x_forwarded_for_authorized_addrs = "10.0.0.0/8, 127.0.0.1"
  custom_response_headers {
    "default" = { "X-One" = ["a", "b"] }
    "404" = { "X-Two" = "c" }
  }
}
listener "unix" {
  address = "/run/v.sock"
  socket_mode = "600"
}
seal "static" {
  current_key_id = "k"
  current_key = "env://SEAL_KEY"
}
azure_cloud "Emulator" {
  active_directory = "https://127.0.0.1:1"
  resource_manager = "https://127.0.0.1:2"
  metadata = "http://127.0.0.1:3"
  ca_file = "/ca.pem"
}
user_lockout "all" {
  lockout_threshold = 3
  lockout_duration = "10m"
  disable_lockout = false
}
plugins { allow = ["spire"] }
"""


def test_everything_together(read: Read) -> None:
    loaded = read(FULL, environment={"SEAL_KEY": " secret\n"})
    assert loaded.problems == ()
    config = loaded.config
    assert (config.cluster_name, config.api_addr) == ("east", "https://vault.test:8200")
    assert (config.log_level, config.log_format) == ("warn", "json")
    assert (config.default_lease_ttl, config.max_lease_ttl, config.workers) == (3600, 7200, 1)
    assert (config.storage.kind, config.storage.path) == ("sqlite", "/data/v.db")
    tcp, unix = config.listeners
    assert tcp.settings == {
        "address": "127.0.0.1:8200",
        "tls_disable": True,
        "max_request_size": 1024 * 1024,
        "http_idle_timeout": 90.0,
        "x_forwarded_for_authorized_addrs": ("10.0.0.0/8", "127.0.0.1"),
        "custom_response_headers": {"default": {"X-One": ("a", "b")}, "404": {"X-Two": ("c",)}},
    }
    assert (unix.kind, unix.address, unix.secure) == ("unix", "/run/v.sock", False)
    assert config.seals[0].settings == {"current_key_id": "k", "current_key": "secret"}
    assert config.stanzas["azure_cloud"] == (
        {
            "name": "Emulator",
            "active_directory": "https://127.0.0.1:1",
            "resource_manager": "https://127.0.0.1:2",
            "metadata": "http://127.0.0.1:3",
            "ca_file": "/ca.pem",
        },
    )
    assert config.stanzas["user_lockout"] == (
        {"name": "all", "lockout_threshold": "3", "lockout_duration": "600", "disable_lockout": "false"},
    )
    assert config.allowed_plugins == ("spire",)
    assert config.warnings == ()


LEGACY = 'disable_mlock = true\nbackend "inmem" {}\nlistener "tcp" {\n address = "127.0.0.1:1"\n tls_disable = 1\n}\n'


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(hcl.loads(LEGACY)),  # nested maps
        json.dumps({"backend": [{"inmem": [{}]}], "listener": [{"tcp": {"address": "127.0.0.1:1", "tls_disable": 1}}]}),
        json.dumps({"backend": {"inmem": {}}, "listener": {"tcp": [{"address": "127.0.0.1:1", "tls_disable": "1"}]}}),
        LEGACY,
        'storage { inmem {} }\nlistener { tcp { address = "127.0.0.1:1"\n tls_disable = true } }',
    ],
)
def test_every_shape_of_a_block_means_the_same(read: Read, text: str) -> None:
    loaded = read(text, name="a.json" if text.startswith("{") else "a.hcl")
    assert loaded.problems == ()
    assert loaded.config.storage.kind == "inmem"
    (listener,) = loaded.config.listeners
    assert listener.settings == {"address": "127.0.0.1:1", "tls_disable": True}
    assert loaded.config.warnings == ()


def test_two_listeners_in_one_json_list(read: Read) -> None:
    text = json.dumps({"listener": [{"tcp": {"address": "a:1"}}, {"tcp": {"address": "a:2"}}]})
    assert [each.address for each in read(text, name="a.json", complete=False).config.listeners] == ["a:1", "a:2"]


def test_json_null_says_nothing(read: Read) -> None:
    loaded = read('{"log_level": null, "disable_mlock": null}', name="a.json", complete=False)
    assert loaded.problems == () and loaded.config.log_level == "info"


def test_what_does_nothing_is_told_where_it_would_matter(read: Read) -> None:
    loaded = read(
        'raw_storage_endpoint = true\nui = false\ntelemetry { x = 1 }\nplugin_directory = "/p"', complete=False
    )
    assert loaded.problems == ()
    assert [text.partition(" ")[2].split(" does")[0] for text in loaded.config.warnings] == [
        "raw_storage_endpoint",
        "telemetry",
        "plugin_directory",
    ]


def test_a_folder_is_read_by_name_and_the_last_word_counts(tmp_path: Path) -> None:
    (tmp_path / "a.hcl").write_text('log_level = "warn"\nlistener "tcp" { address = "a:1" }')
    (tmp_path / "b.json").write_text('{"log_level": "error", "listener": {"tcp": {"address": "a:2"}}}')
    (tmp_path / "c.txt").write_text("not read")
    (tmp_path / ".d.hcl").write_text("not read either")
    loaded = load([str(tmp_path)], {}, complete=False)
    assert loaded.problems == ()
    assert loaded.config.log_level == "error"
    assert [each.address for each in loaded.config.listeners] == ["a:1", "a:2"]


def test_the_environment_counts_more_than_a_file(read: Read) -> None:
    environment = {"VAULT_API_ADDR": "https://e:1", "VAULT_LOG_LEVEL": "error", "VAULT_LOG_FORMAT": "json"}
    config = read('api_addr = "https://f:1"\nlog_level = "warn"', environment=environment, complete=False).config
    assert (config.api_addr, config.log_level, config.log_format) == ("https://e:1", "error", "json")


def test_the_default_duration_reaches_listeners_that_say_nothing(read: Read) -> None:
    text = 'default_max_request_duration = "5s"\nlistener "tcp" {}\nlistener "tcp" { max_request_duration = 7 }'
    found = read(text, complete=False).config.listeners
    assert [each.settings["max_request_duration"] for each in found] == [5.0, 7.0]


def test_a_secret_comes_from_a_file(read: Read, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    text = f'seal "static" {{ current_key = "file://{tmp_path}/key" }}'
    assert read(text, complete=False).config.seals[0].settings == {"current_key": "from a file"}


def test_every_setting_of_a_listener_has_a_key_and_the_other_way_round() -> None:
    settings = {field.name for field in msgspec.structs.fields(ListenerSettings)} - {"type"}
    written: set[Any] = set()
    for keys in LISTENER.values():
        written |= {name for name, key in keys.items() if not key.idle and not key.refused}
    assert written == settings


def test_several_seals_and_one_to_migrate_from(read: Read) -> None:
    text = """
    seal "transit" {
      name = "east"
      address = "https://east:8200"
      key_name = "unseal"
      disable_renewal = true
    }
    seal "transit" {
      name = "west"
      address = "https://west:8200"
      token = "env://WEST"
      key_name = "unseal"
    }
    seal "static" { disabled = "true" }
    seal "shamir" { disabled = true }
    """
    environment = {"WEST": "west token", "VAULT_TOKEN": "any token", "VAULT_ADDR": "https://elsewhere:8200"}
    loaded = read(text, complete=False, environment=environment)
    assert loaded.problems == ()
    east, west, old = loaded.config.seals
    assert [(each.kind, each.name, each.disabled) for each in loaded.config.seals] == [
        ("transit", "east", False),
        ("transit", "west", False),
        ("static", "static", True),
    ]
    shared = {"key_name": "unseal"}
    assert east.settings == {
        **shared,
        "address": "https://east:8200",
        "token": "any token",
        "disable_renewal": "true",
    }
    assert west.settings == {**shared, "address": "https://west:8200", "token": "west token"}
    assert old.settings == {}
    assert "token" not in repr(loaded.config.seals)
