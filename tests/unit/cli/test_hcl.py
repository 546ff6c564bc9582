"""Formatting of policies changes blanks only, or refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultlike.cli import hcl

from .conftest import Cli


@pytest.mark.parametrize(
    "text", ["path {", "}", 'path "x" {\n}}\n', "a = <<EOT\nx\nEOT\n", 'a = "x\n', "/* one\ntwo */\n"]
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|never closed"):
        hcl.formatted(text)


def test_a_policy() -> None:
    before = (
        '# people\npath   "secret/*"{\ncapabilities=["read",   "list"]\n   min_wrapping_ttl   = "1s"\n\n\n\n'
        '  allowed_parameters = {\n"a" = ["1"] # one\n   "bcd"=[]\n}\n}\n'
    )
    after = (
        '# people\npath "secret/*" {\n  capabilities     = ["read",   "list"]\n  min_wrapping_ttl = "1s"\n\n'
        '  allowed_parameters = {\n    "a"   = ["1"] # one\n    "bcd" = []\n  }\n}\n'
    )
    assert hcl.formatted(before) == after
    assert hcl.formatted(after) == after


def test_braces_and_signs_inside_texts_mean_nothing() -> None:
    text = 'path "a{b" {\n  note = "x = }"\n}\n'
    assert hcl.formatted(text) == text


def test_the_command_rewrites_the_file(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p.hcl"
    file.write_text('path "x" {\ncapabilities=["read"]\n}')
    assert cli("policy", "fmt", str(file)).out == f"Success! Formatted policy: {file}\n"
    assert file.read_text() == 'path "x" {\n  capabilities = ["read"]\n}\n'
    file.write_text("path {")
    assert cli("policy", "fmt", str(file)).code == 2
    assert file.read_text() == "path {"
