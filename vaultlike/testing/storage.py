"""What every storage engine must do, as a pytest class: subclass it and provide the `engine` fixture.

    class TestMine(StorageConformance):
        @pytest.fixture
        async def engine(self): ...     # a started engine over an empty database; stopped afterwards

It tests the contract of `vaultlike.storage.engine` through its public methods only.
"""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from vaultlike.storage.engine import (
    ENDED,
    LAST_USE,
    MARKED,
    Conflict,
    DeleteCubbyhole,
    DeleteDocument,
    DeleteExpired,
    DeleteToken,
    DeleteTokensOf,
    DeleteTokenTree,
    DeleteTree,
    Document,
    Engine,
    InsertToken,
    PutCubbyhole,
    PutDocument,
    UpdateToken,
    UseToken,
)
from vaultlike.testing.storage_identity import IdentityConformance
from vaultlike.testing.storage_rows import ENTITY, NOW, NS, names_left, token, token_id

__all__ = ["NS", "StorageConformance", "names_left", "token", "token_id"]


class DocumentConformance:
    """Documents, generation, atomic commits."""

    async def test_a_wrong_version_keeps_nothing_of_the_commit(self, engine: Engine) -> None:
        await engine.commit([PutDocument(NS, "a", b"1")])
        before = await engine.generation()
        for expect in (0, 2):
            with pytest.raises(Conflict):
                await engine.commit([PutDocument(NS, "b", b"x"), PutDocument(NS, "a", b"2", expect=expect)])
        with pytest.raises(Conflict):
            await engine.commit([PutDocument(NS, "b", b"x"), DeleteDocument(NS, "a", expect=9)])
        with pytest.raises(Conflict):
            await engine.commit([PutDocument(NS, "b", b"x"), PutDocument(NS, "new", b"", expect=1)])
        assert await engine.document(NS, "b") is None
        assert await engine.document(NS, "a") == Document(b"1", 1)
        assert await engine.generation() == before

    async def test_a_failed_commit_does_not_touch_its_neighbours(self, engine: Engine) -> None:
        results = await asyncio.gather(
            *(engine.commit([PutDocument(NS, f"n{i}", b"", expect=i % 2)]) for i in range(10)), return_exceptions=True
        )
        assert [isinstance(result, Conflict) for result in results] == [bool(i % 2) for i in range(10)]
        assert await engine.keys(NS, "") == ["n0", "n2", "n4", "n6", "n8"]

    async def test_nul_in_a_key_is_refused_alone(self, engine: Engine) -> None:
        bad, good = await asyncio.gather(
            engine.commit([PutDocument(NS, "a\x00b", b"")]),
            engine.commit([PutDocument(NS, "a", b"")]),
            return_exceptions=True,
        )
        assert isinstance(bad, ValueError)
        assert good == [1]

    async def test_versions_and_deletion(self, engine: Engine) -> None:
        assert await engine.commit([PutDocument(NS, "a", b"1"), PutDocument(NS, "a", b"2", expect=1)]) == [1, 2]
        assert await engine.document("other", "a") is None
        assert await engine.commit([DeleteDocument(NS, "a", expect=2), DeleteDocument(NS, "a")]) == [True, False]
        assert await engine.commit([PutDocument(NS, "a", b"3", expect=0)]) == [1]

    async def test_the_generation_moves_once_per_commit_that_changed_something(self, engine: Engine) -> None:
        start = await engine.generation()
        await engine.commit([PutDocument(NS, "a", b"", bump=False), PutDocument(NS, "b", b"", bump=False)])
        await engine.commit([DeleteDocument(NS, "nothing"), DeleteTree(NS, "nothing")])
        assert await engine.generation() == start
        await engine.commit([PutDocument(NS, "a", b""), PutDocument(NS, "b", b"")])
        assert await engine.generation() == start + 1
        assert (await engine.token(b"unknown"))[0] == start + 1

    async def test_one_of_many_racing_writers_wins(self, engine: Engine) -> None:
        results = await asyncio.gather(
            *(engine.commit([PutDocument(NS, "a", b"%d" % i, expect=0)]) for i in range(20)), return_exceptions=True
        )
        assert sum(not isinstance(result, BaseException) for result in results) == 1

    async def test_listing(self, engine: Engine) -> None:
        keys = ["a", "a-b", "a/x", "a/y/1", "a/y/2", "a0", "b/\U0010ffff", "b/\ud7ff", "c"]
        await engine.commit([PutDocument(NS, key, key.encode()) for key in keys])
        await engine.commit([PutDocument("other", "a/z", b"")])
        assert await engine.keys(NS, "") == sorted(keys)
        assert await engine.keys(NS, "a/") == ["x", "y/1", "y/2"]
        assert await engine.keys(NS, "b/") == ["\ud7ff", "\U0010ffff"]
        assert await engine.keys(NS, "a/", after="x", limit=1) == ["y/1"]
        assert await engine.children(NS, "") == ["a", "a-b", "a/", "a0", "b/", "c"]
        assert await engine.children(NS, "a/") == ["x", "y/"]
        assert await engine.children(NS, "a/", after="x") == ["y/"]
        assert await engine.children(NS, "", after="a/", limit=2) == ["a0", "b/"]
        assert await engine.children(NS, "none/") == []
        assert [key for key, _ in await engine.documents(NS, "a/", limit=2)] == ["x", "y/1"]
        assert await engine.commit([DeleteTree(NS, "a/")]) == [3]
        assert await engine.children(NS, "") == ["a", "a-b", "a0", "b/", "c"]

    async def test_paging_children_finds_each_once(self, engine: Engine) -> None:
        keys = [f"p/{name}" for name in ("a", "a/1", "a/2", "a.b", "b-/x", "b/x", "b0", "é/1", "é")]
        await engine.commit([PutDocument(NS, key, b"") for key in keys])
        pages: list[str] = []
        while page := await engine.children(NS, "p/", after=pages[-1] if pages else "", limit=1):
            pages += page
        assert pages == sorted({"a", "a/", "a.b", "b-/", "b/", "b0", "é/", "é"})


class TokenConformance:
    """Tokens: uses, trees, expiry, leases."""

    async def test_an_id_and_a_parent_are_checked(self, engine: Engine) -> None:
        await engine.commit([InsertToken(token("a"))])
        with pytest.raises(Conflict):
            await engine.commit([InsertToken(token("a"))])
        with pytest.raises(Conflict):
            await engine.commit([InsertToken(token("child", parent="gone"))])
        assert await names_left(engine, "child") == set()

    async def test_uses_run_out_exactly(self, engine: Engine) -> None:
        await engine.commit([InsertToken(token("n", uses_left=3)), InsertToken(token("unlimited"))])
        uses = await asyncio.gather(*(engine.commit([UseToken(token_id("n"))]) for _ in range(8)))
        assert [use[0] for use in uses] == [2, 1, LAST_USE, None, None, None, None, None]
        assert await engine.commit([UseToken(token_id("unlimited")), UseToken(token_id("x"))]) == [None, None]
        found = (await engine.token(token_id("n")))[1]
        assert found is not None
        assert found.uses_left == LAST_USE

    async def test_a_row_comes_back_as_it_was(self, engine: Engine) -> None:
        await engine.commit([InsertToken(token("p"))])
        full = token("t", parent="p", expires_at=NOW + 0.5, uses_left=4, entity=ENTITY, role="r")
        await engine.commit([InsertToken(full), InsertToken(token("odd", entity="not-a-uuid"))])
        stored = (await engine.token(full.id))[1]
        assert stored is not None
        assert replace(stored, position=0) == full
        assert await engine.token_by_prefix(full.id[:16]) == stored
        assert await engine.token_by_prefix(b"?" * 16) is None
        odd = (await engine.token(token_id("odd")))[1]
        assert odd is not None
        assert replace(odd, position=0) == token("odd", entity="not-a-uuid")
        assert odd.position > stored.position
        changed = [UpdateToken(full.id, NOW + 9, b"new"), UpdateToken(token_id("gone"), None, b"")]
        assert await engine.commit(changed) == [True, False]
        found = (await engine.token(full.id))[1]
        assert found is not None
        assert (found.expires_at, found.sealed, found.uses_left) == (NOW + 9, b"new", 4)

    async def test_deleting_one_makes_orphans_and_a_tree_takes_all(self, engine: Engine) -> None:
        tree = [token("r"), token("c", parent="r"), token("g", parent="c"), token("other")]
        await engine.commit([*map(InsertToken, tree), PutCubbyhole(token_id("g"), "x/y", b"s")])
        assert await engine.commit([DeleteToken(token_id("r")), DeleteToken(token_id("r"))]) == [True, False]
        orphan = (await engine.token(token_id("c")))[1]
        assert orphan is not None
        assert orphan.parent is None
        assert await engine.commit([DeleteTokenTree(token_id("c"))]) == [2]
        assert await names_left(engine, "r", "c", "g", "other") == {"other"}
        await engine.commit([InsertToken(token("g"))])
        assert await engine.cubbyhole(token_id("g"), "x/y") is None

    async def test_ancestors(self, engine: Engine) -> None:
        tree = [token("r", expires_at=NOW), token("c", parent="r"), token("g", parent="c", expires_at=NOW - 5)]
        await engine.commit([InsertToken(row) for row in tree])
        assert not await engine.ancestors_alive(token_id("unknown"), NOW - 1)
        assert not await engine.ancestors_alive(token_id("g"), NOW)
        assert await engine.ancestors_alive(token_id("g"), NOW - 1)
        assert await engine.ancestors_alive(token_id("r"), NOW + 1)

    async def test_an_expired_tree_goes_in_bounded_batches(self, engine: Engine) -> None:
        chain = [token("t0", expires_at=NOW)]
        chain += [token(f"t{i}", parent=f"t{i - 1}", expires_at=NOW + 100 - i) for i in range(1, 6)]
        late = [token(f"l{i}", parent="t0", expires_at=NOW - 1 + i / 1000) for i in range(5)]
        late += [token(f"p{i}", expires_at=NOW - 9) for i in range(3)]  # more expired parents than one batch holds,
        late += [token(f"k{i}", parent=f"p{i}", expires_at=NOW - 2) for i in range(3)]  # each before its expired child
        keep = [token("alive", expires_at=NOW + 0.001), token("forever")]
        await engine.commit([InsertToken(row) for row in (*chain, *late, *keep)])
        names = [f"t{i}" for i in range(6)] + [f"l{i}" for i in range(5)] + [f"{x}{i}" for x in "pk" for i in range(3)]
        touched = 1
        for _ in range(100):
            touched = int(str((await engine.commit([DeleteExpired(NOW, 2)]))[0]))
            assert touched <= 4
            left = await names_left(engine, *names)
            assert "t0" in left or not left  # no child ever outlives its parent's row
            if not touched:
                break
        assert touched == 0
        assert await names_left(engine, *names, "alive", "forever") == {"alive", "forever"}

    async def test_a_tree_beyond_the_bound_ends_at_once_and_goes_in_batches(self, engine: Engine) -> None:
        tree = [token("r", expires_at=None), *(token(f"c{i}", parent="r", expires_at=None) for i in range(3))]
        tree += [token(f"g{i}", parent="c1") for i in range(3)] + [token("other", expires_at=NOW + 1)]
        await engine.commit([InsertToken(row) for row in tree])
        assert await engine.commit([DeleteTokenTree(token_id("gone"), bound=1)]) == [0]
        assert await engine.commit([DeleteTokenTree(token_id("r"), bound=6)]) == [MARKED]
        for name in ("r", "c0", "g2"):
            assert (await engine.live_token(token_id(name), NOW))[1] is None
            assert name == "r" or not await engine.ancestors_alive(token_id(name), NOW)
        assert await engine.commit([UpdateToken(token_id("r"), NOW + 9, b"renewed")]) == [False]
        with pytest.raises(Conflict):
            await engine.commit([InsertToken(token("late", parent="r"))])
        while touched := int(str((await engine.commit([DeleteExpired(ENDED, 2)]))[0])):
            assert touched <= 4
        assert await names_left(engine, *["r", "c0", "c1", "c2", "g0", "g1", "g2", "other"]) == {"other"}

    async def test_a_tree_within_the_bound_goes_at_once(self, engine: Engine) -> None:
        await engine.commit([InsertToken(token("r")), *(InsertToken(token(f"c{i}", parent="r")) for i in range(3))])
        assert await engine.commit([DeleteTokenTree(token_id("r"), bound=4)]) == [4]

    async def test_matching_trees_beyond_the_bound(self, engine: Engine) -> None:
        rows = [token(f"t{i}", mount="m1") for i in range(3)] + [token("keep", mount="m2")]
        rows += [token(f"c{i}", mount="m0", parent="t1") for i in range(4)]
        await engine.commit([InsertToken(row) for row in rows])
        op = DeleteTokensOf(namespace=NS, mount="m1", limit=2, bound=5)
        assert await engine.commit([op]) == [MARKED]
        while (await engine.commit([DeleteExpired(ENDED, 100)])) != [0]:
            pass
        assert await engine.commit([op]) == [1]
        assert await engine.commit([op]) == [0]
        assert await names_left(engine, "t0", "t1", "t2", "keep", "c0", "c3") == {"keep"}

    async def test_delete_by_mount_prefix_and_entity(self, engine: Engine) -> None:
        rows = [
            token("a1", mount="m1", path="auth/a/login"),
            token("a2", mount="m1", path="auth/a/login/x", entity=ENTITY),
            token("kid", mount="m0", path="auth/token/create", parent="a1"),
            token("b", mount="m2", path="auth/ab/login"),
            token("foreign", mount="m1", path="auth/a/login", namespace="other", entity=ENTITY),
        ]
        await engine.commit([InsertToken(row) for row in rows])
        assert await engine.commit([DeleteTokensOf(namespace=NS, entity=ENTITY)]) == [1]
        assert await engine.commit([DeleteTokensOf(namespace=NS, path_prefix="auth/a/", limit=5)]) == [2]
        assert await names_left(engine, "a1", "a2", "kid", "b", "foreign") == {"b", "foreign"}
        assert await engine.commit([DeleteTokensOf(namespace="other", mount="m1")]) == [1]
        assert await engine.commit([DeleteTokensOf(namespace=NS)]) == [1]
        assert await engine.count_tokens() == 0

    async def test_listing_and_counting(self, engine: Engine) -> None:
        rows = [token(f"t{i}", role=f"r{i % 3}", entity=ENTITY if i % 2 else "") for i in range(20)]
        rows += [token("kid", parent="t1", path="auth/token/create", mount="m0")]
        await engine.commit([InsertToken(row) for row in rows])
        ids = [row.id for row in rows if row.mount != "m0"]
        first = await engine.tokens(namespace=NS, mount="auth_azure_1", limit=15)
        rest = await engine.tokens(namespace=NS, mount="auth_azure_1", after=first[-1].position)
        assert [row.id for row in first + rest] == ids
        assert await engine.tokens(namespace="other") == []
        assert [row.id for row in await engine.tokens(namespace=NS, parent=token_id("t1"))] == [token_id("kid")]
        assert await engine.tokens(namespace=NS, parent=token_id("t1"), mount="no") == []
        assert await engine.tokens(namespace=NS, parent=token_id("gone")) == []
        assert len(await engine.tokens(namespace=NS, entity=ENTITY, limit=4)) == 4
        assert await engine.count_tokens(namespace=NS, entity=ENTITY) == 10
        assert await engine.count_tokens(namespace=NS, path_prefix="auth/azure/") == 20
        assert await engine.count_tokens() == await engine.count_tokens(namespace=NS) == 21

    async def test_leases_as_directories(self, engine: Engine) -> None:
        paths = ("auth/a/login", "auth/a/login-x", "auth/a/login/sub", "auth/b/login")
        await engine.commit([InsertToken(token(path, path=path)) for path in paths])
        await engine.commit([InsertToken(token("second", path="auth/a/login", role="r"))])
        endless = [
            token("root", path="auth/token/root", expires_at=None),
            token("e", path="auth/a/login", expires_at=None),
        ]
        await engine.commit([InsertToken(row) for row in endless])
        await engine.commit([DeleteTokenTree(token_id("auth/b/login"))])
        assert await engine.lease_children(NS, "") == ["auth/"]
        assert await engine.lease_children(NS, "auth/") == ["a/"]
        assert await engine.lease_children(NS, "auth/a/") == ["login-x/", "login/"]
        assert await engine.lease_children(NS, "auth/a/", after="login-x/") == ["login/"]
        expected = sorted([token_id("auth/a/login").hex(), token_id("second").hex(), "sub/"])
        pages: list[str] = []
        while page := await engine.lease_children(NS, "auth/a/login/", after=pages[-1] if pages else "", limit=1):
            pages += page
        assert pages == expected
        assert await engine.lease_children("other", "auth/") == []
        assert await engine.commit([DeleteTokensOf(namespace=NS, path_prefix="auth/")]) == [4]
        assert await names_left(engine, "root", "e") == {"root", "e"}

    async def test_cubbyholes(self, engine: Engine) -> None:
        with pytest.raises(Conflict):
            await engine.commit([PutCubbyhole(token_id("none"), "a", b"")])
        await engine.commit([InsertToken(token("t")), InsertToken(token("u"))])
        mine = token_id("t")
        await engine.commit(
            [PutCubbyhole(mine, "a", b"1"), PutCubbyhole(mine, "d/b", b""), PutCubbyhole(mine, "a", b"2")]
        )
        assert await engine.cubbyhole(mine, "a") == b"2"
        assert await engine.cubbyhole(token_id("u"), "a") is None
        assert await engine.cubbyhole_children(mine, "") == ["a", "d/"]
        assert await engine.commit([DeleteCubbyhole(mine, "a"), DeleteCubbyhole(mine, "a")]) == [True, False]


class StorageConformance(DocumentConformance, TokenConformance, IdentityConformance):
    """The whole contract."""
