"""What an engine promises about entities, aliases, explanations and locks; part of `testing.storage`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from vaultlike.storage.engine import (
    AddExplanation,
    AliasRow,
    Conflict,
    DeleteAlias,
    DeleteEntity,
    DeleteToken,
    Engine,
    EntityRow,
    InsertAlias,
    InsertEntity,
    InsertToken,
    PruneEntity,
    PutAlias,
    PutEntity,
    SeeAlias,
    TryLock,
)
from vaultlike.testing.storage_rows import ALIAS, ENTITY, NOW, NS, OTHER, token, token_id


class IdentityConformance:
    """Entities, aliases, explanations, locks."""

    async def test_names_are_unique(self, engine: Engine) -> None:
        await engine.commit(
            [InsertEntity(EntityRow(ENTITY, NS, "Straße", b"")), InsertEntity(EntityRow(OTHER, NS, "b", b""))]
        )
        with pytest.raises(Conflict):
            await engine.commit([InsertEntity(EntityRow("x", NS, "STRASSE", b""))])
        with pytest.raises(Conflict):
            await engine.commit([PutEntity(EntityRow(OTHER, NS, "strasse", b""))])
        await engine.commit([InsertEntity(EntityRow("x", "other", "B", b""))])
        await engine.commit([InsertAlias(AliasRow(ALIAS, NS, "m", "n", ENTITY, b""))])
        with pytest.raises(Conflict):
            await engine.commit([InsertAlias(AliasRow("y", NS, "m", "n", OTHER, b""))])
        with pytest.raises(Conflict):
            await engine.commit([InsertAlias(AliasRow("y", NS, "m", "n2", "no such entity", b""))])

    async def test_changes_need_the_version(self, engine: Engine) -> None:
        entity, alias = EntityRow(ENTITY, NS, "a", b"1"), AliasRow(ALIAS, NS, "m", "n", ENTITY, b"1")
        await engine.commit([InsertEntity(entity), InsertAlias(alias)])
        for op in (PutEntity(entity, 2), PutAlias(alias, 2), PutEntity(EntityRow("x", NS, "q", b""))):
            with pytest.raises(Conflict):
                await engine.commit([op])
        assert await engine.commit([PutEntity(EntityRow(ENTITY, NS, "A", b"2"), 1), PutAlias(alias)]) == [2, 2]
        assert await engine.entity(ENTITY) == EntityRow(ENTITY, NS, "A", b"2", 2)

    async def test_lookups_and_deletion(self, engine: Engine) -> None:
        entity, alias = EntityRow(ENTITY, NS, "a", b"1"), AliasRow(ALIAS, NS, "m", "n", ENTITY, b"1")
        assert await engine.login_identity(NS, "m", "n") is None
        await engine.commit([InsertEntity(entity), InsertAlias(alias), InsertEntity(EntityRow(OTHER, NS, "o", b""))])
        assert await engine.login_identity(NS, "m", "n") == (alias, entity)
        assert await engine.entity_by_name(NS, "A") == entity
        assert [row.id for row in await engine.entities(NS)] == [ENTITY, OTHER]
        assert [row.id for row in await engine.entities(NS, after=ENTITY, limit=5)] == [OTHER]
        assert await engine.alias(NS, "m", "n") == await engine.alias_by_id(ALIAS) == alias
        assert await engine.aliases_of(ENTITY) == await engine.aliases(NS, "m") == await engine.aliases(NS) == [alias]
        assert await engine.aliases(NS, "m2") == []
        assert await engine.commit([DeleteAlias("gone"), DeleteEntity(ENTITY), DeleteEntity(ENTITY)]) == [
            False,
            True,
            False,
        ]
        assert await engine.alias_by_id(ALIAS) is None

    async def test_names_of_aliases_ignore_case(self, engine: Engine) -> None:
        entity, alias = EntityRow(ENTITY, NS, "a", b"1"), AliasRow(ALIAS, NS, "m", "Straße", ENTITY, b"1")
        await engine.commit([InsertEntity(entity), InsertAlias(alias), InsertEntity(EntityRow(OTHER, NS, "o", b""))])
        assert await engine.login_identity(NS, "m", "STRASSE") == (alias, entity)
        assert await engine.alias(NS, "m", "strasse") == alias
        for place in (("m2", NS), ("m", "other")):
            assert await engine.alias(place[1], place[0], "Straße") is None
        with pytest.raises(Conflict):
            await engine.commit([InsertAlias(AliasRow("y", NS, "m", "STRASSE", OTHER, b""))])
        second = AliasRow("y", NS, "m", "n", OTHER, b"")
        await engine.commit([InsertAlias(second), InsertAlias(AliasRow("z", NS, "m2", "strasse", OTHER, b""))])
        for moved in (replace(second, name="STRASSE"), replace(second, name="strasse", mount="m2")):
            with pytest.raises(Conflict):
                await engine.commit([PutAlias(moved)])
        await engine.commit([PutAlias(replace(alias, name="STRASSE"))])
        assert (await engine.alias(NS, "m", "straße")) == replace(alias, name="STRASSE", version=2)

    async def test_when_an_alias_was_seen(self, engine: Engine) -> None:
        alias = AliasRow(ALIAS, NS, "m", "n", ENTITY, b"1", seen_at=NOW)
        await engine.commit([InsertEntity(EntityRow(ENTITY, NS, "a", b"1")), InsertAlias(alias)])
        before = await engine.generation()
        assert await engine.commit([SeeAlias(ALIAS, NOW + 5.5)]) == [None]
        assert await engine.generation() == before
        assert await engine.alias_by_id(ALIAS) == replace(alias, seen_at=NOW + 5.5)
        await engine.commit([PutAlias(replace(alias, name="n2", seen_at=None), expect=1)])
        assert await engine.alias_by_id(ALIAS) == replace(alias, name="n2", seen_at=NOW + 5.5, version=2)
        with pytest.raises(Conflict):
            await engine.commit([SeeAlias("gone", NOW)])

    async def test_aliases_that_were_not_seen_for_long(self, engine: Engine) -> None:
        await engine.commit([InsertEntity(EntityRow(ENTITY, NS, "a", b"1"))])
        times = {"a": NOW + 2, "b": NOW + 1, "c": NOW + 1, "d": None, "e": NOW + 9}
        rows = [AliasRow(name, NS, "m", name, ENTITY, b"", seen_at=at) for name, at in times.items()]
        rows += [AliasRow("f", NS, "m2", "f", ENTITY, b"", seen_at=NOW), AliasRow("g", "x", "m", "g", ENTITY, b"")]
        await engine.commit([InsertAlias(row) for row in rows])
        assert [row.id for row in await engine.unseen_aliases(NS, "m", NOW + 9)] == ["b", "c", "a"]
        assert await engine.unseen_aliases(NS, "m", NOW + 1) == []
        first = await engine.unseen_aliases(NS, "m", NOW + 9, limit=1)
        rest = await engine.unseen_aliases(NS, "m", NOW + 9, (first[0].seen_at or 0, first[0].id), 5)
        assert [row.id for row in first + rest] == ["b", "c", "a"]

    async def test_only_an_entity_that_nobody_uses_is_pruned(self, engine: Engine) -> None:
        alias = AliasRow(ALIAS, NS, "m", "n", ENTITY, b"1", seen_at=NOW)
        await engine.commit([InsertEntity(EntityRow(ENTITY, NS, "a", b"1")), InsertAlias(alias)])
        before = await engine.generation()
        for op in (PruneEntity(ENTITY, 2, NOW), PruneEntity(ENTITY, 1, NOW - 1), PruneEntity("gone", 1, NOW)):
            assert await engine.commit([op]) == [False]
        await engine.commit([InsertToken(token("t", entity=ENTITY))])
        assert await engine.commit([PruneEntity(ENTITY, 1, NOW)]) == [False]
        await engine.commit([DeleteToken(token_id("t")), InsertAlias(AliasRow("y", NS, "m2", "n", ENTITY, b""))])
        assert await engine.commit([PruneEntity(ENTITY, 1, NOW)]) == [False]
        assert await engine.generation() == before
        await engine.commit([DeleteAlias("y", bump=False)])
        assert await engine.commit([PruneEntity(ENTITY, 1, NOW)]) == [True]
        assert await engine.generation() == before + 1
        assert await engine.entity(ENTITY) is None
        assert await engine.alias_by_id(ALIAS) is None

    async def test_explanations_are_a_bounded_ring(self, engine: Engine) -> None:
        for i in range(10):
            await engine.commit([AddExplanation(f"r{i}", NOW + i, b"%d" % i, keep=3)])
        with pytest.raises(Conflict):
            await engine.commit([AddExplanation("r9", NOW, b"", keep=3)])
        kept = [await engine.explanation(f"r{i}") for i in range(10)]
        assert [row.sealed for row in kept if row is not None] == [b"7", b"8", b"9"]

    async def test_a_lock_has_one_owner_until_it_runs_out(self, engine: Engine) -> None:
        async def attempt(owner: str, now: float, until: float) -> object:
            return (await engine.commit([TryLock("sweeper", owner, until, now)]))[0]

        assert await attempt("a", NOW, NOW + 10)
        assert not await attempt("b", NOW + 9, NOW + 20)
        assert await attempt("a", NOW + 9, NOW + 12)
        assert not await attempt("b", NOW + 11, NOW + 20)
        assert await attempt("b", NOW + 12, NOW + 20)
        assert await attempt("b", NOW + 13, NOW + 13)  # lets go
        assert await attempt("a", NOW + 13, NOW + 20)
