"""`sys/explain`: why a login was refused, and what one would come to. The explanations are the core's."""

from __future__ import annotations

import msgspec

from vaultlike.sdk import Answer, Call, read, write
from vaultlike.system.part import Part


class Explain(Part):
    """Explanations of logins, for operators."""

    @read("explain/{id:any}", sudo=True)
    async def one(self, call: Call) -> Answer:
        """Shows the checks of a login, by its request id."""
        return _shown(await self.services.explanation(call.params["id"]))

    @write("explain/simulate/{path:rest}", sudo=True, free=True)
    async def simulate(self, call: Call) -> Answer:
        """Runs a login with the data that is sent, without making a token, and shows its checks."""
        return _shown(await self.services.simulate(call, call.params["path"], call.data))


def _shown(explanation: object | None) -> dict[str, object] | None:
    if explanation is None:
        return None
    found: dict[str, object] = msgspec.to_builtins(explanation, enc_hook=str)
    return found
