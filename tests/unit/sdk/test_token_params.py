"""The shared `token_*` parameters of roles and their deprecated twins (spec/vault-api.md 4)."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from vaultlike.errors import Invalid
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.login import DEPRECATED, TokenParams, check_period, check_token_params, follow_deprecated

FIELDS = fields_of(TokenParams)


def written(data: dict[str, object], old: TokenParams | None = None) -> dict[str, object]:
    given = FIELDS.given(data)
    follow_deprecated(given)
    import msgspec

    return FIELDS.wire(msgspec.structs.replace(old or TokenParams(), **given))


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"token_ttl": 2, "token_max_ttl": 1}, "'token_ttl' cannot be greater than 'token_max_ttl'"),
        ({"token_num_uses": -1}, "'token_num_uses' cannot be negative"),
        ({"token_type": "paper"}, "invalid 'token_type' value \"paper\""),
        ({"token_type": "batch", "token_num_uses": 1}, "'token_type' cannot be 'batch' or 'default_batch' when set to"),
        ({"token_type": "batch", "token_period": 1}, "periodic tokens"),
        # Kept as "default" it would never read back as it was sent: Terraform then plans the same change for ever.
        ({"token_type": "default-service"}, "invalid 'token_type' value \"default-service\""),
        ({"token_type": "default-batch"}, "invalid 'token_type' value \"default-batch\""),
    ],
)
def test_contradictions_are_refused(facts: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_token_params(TokenParams(**facts), 3600)  # type: ignore[arg-type]
    assert text in refused.value.messages[0]


def test_a_period_above_the_mounts_maximum_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        check_period(TokenParams(token_period=3601), 3600)
    assert refused.value.messages[0].startswith('token period of "1h0m1s" is greater than')
    check_period(TokenParams(token_period=3600), 3600)
    check_period(TokenParams(token_period=3601), 0)


def test_longer_than_the_mount_is_a_warning() -> None:
    assert check_token_params(TokenParams(token_ttl=3601), 3600)[0].startswith("token_ttl is greater than")
    assert check_token_params(TokenParams(token_max_ttl=3601), 3600)[0].startswith("token_max_ttl is greater than")
    assert check_token_params(TokenParams(token_ttl=3600, token_max_ttl=3600), 3600) == []
    assert check_token_params(TokenParams(token_ttl=3601), 0) == []


def test_all_parameters_are_read_back_and_old_ones_only_where_used() -> None:
    shown = written({})
    assert set(shown) == {name for name in FIELDS.fields if name.startswith("token_")}
    assert shown["token_policies"] == () and shown["token_type"] == "default"


@pytest.mark.parametrize(("old", "new"), sorted(DEPRECATED.items()))
def test_old_and_new_spelling_agree(old: str, new: str) -> None:
    values: list[object] = (
        [60, 120] if "ttl" in old or old in ("period", "num_uses") else [("10.0.0.1",), ("10.0.0.2",)]
    )
    first, second = values

    def wire(value: object) -> object:
        return list(value) if isinstance(value, tuple) else value

    used = written({old: wire(first)})
    assert (used[old], used[new]) == (first, first)
    both = written({old: wire(first), new: wire(second)})
    assert (both[old], both[new]) == (second, second)
    fresh = written({new: wire(second)}, TokenParams(**{old: first, new: first}))  # type: ignore[arg-type]
    assert old not in fresh and fresh[new] == second


def test_only_the_old_policies_are_normalised() -> None:
    assert written({"policies": "B, a,b,"})["token_policies"] == ("a", "b")
    assert written({"token_policies": "B, a,b"})["token_policies"] == ("B", "a", "b")


def test_null_clears_lists_and_leaves_durations() -> None:
    old = TokenParams(token_policies=("a",), token_ttl=60)
    shown = written({"token_policies": None, "token_ttl": None}, old)
    assert (shown["token_policies"], shown["token_ttl"]) == ((), 60)


def test_the_type_is_normalised() -> None:
    for sent, kept in {"": "default", "default": "default", "batch": "batch"}.items():
        params = TokenParams(token_type=sent)
        check_token_params(params, 0)
        assert params.token_type == kept


def test_fresh_parameters_have_no_deprecated_values() -> None:
    assert all(getattr(TokenParams(), old) is UNSET for old in DEPRECATED)
