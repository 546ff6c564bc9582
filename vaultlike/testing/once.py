"""The part of the conformance suite for proofs that work once: one of many wins, and a used one stays used."""

from __future__ import annotations

import asyncio

import pytest

from vaultlike.testing.stage import ROLE, Stage

LOOKS = 12  # at a used proof while it would still be good


class SingleUseConformance:
    """Collected through AuthMethodConformance, which provides the fixtures."""

    async def test_one_proof_is_used_once(self, stage: Stage) -> None:
        if not stage.scenario.single_use:
            pytest.skip("proofs of this method may be used again")
        body = stage.scenario.login(ROLE)
        answers = await asyncio.gather(*(stage.login(dict(body)) for _ in range(8)))
        refused = 400 if stage.scenario.tells_why else 403
        assert sorted(answer.status for answer in answers) == [200] + [refused] * 7
        stage.server.clock.advance(30)
        assert (await stage.login(body)).status in (400, 403)

    async def test_a_used_proof_stays_used(self, stage: Stage) -> None:
        """The note that a proof is used outlives the proof, whenever the method cleans up."""
        if not stage.scenario.single_use:
            pytest.skip("proofs of this method may be used again")
        body, seconds = stage.scenario.lasting(ROLE)
        fresh, _ = stage.scenario.lasting(ROLE)
        assert (await stage.login(body)).status == 200
        rows = stage.rows()
        for look in range(LOOKS):
            stage.server.clock.advance(stage.scenario.start + seconds * look / LOOKS - stage.server.clock.now())
            await stage.backend().tick()
            answer = await stage.login(body)
            assert answer.status in (400, 403), (look, answer)
        stage.server.clock.advance(stage.scenario.start + seconds - 1 - stage.server.clock.now())
        await stage.backend().tick()
        assert (await stage.login(body)).status in (400, 403), "used again in its last second"
        assert stage.rows() == rows, "a proof that was used before wrote rows"
        answer = await stage.login(fresh)
        assert answer.status == 200, ("the scenario's proof does not last as it says", await stage.why(answer))
        stage.server.clock.advance(2)
        assert (await stage.login(stage.scenario.lasting(ROLE)[0])).status in (400, 403), "it lasts longer than that"
