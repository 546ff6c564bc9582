"""Which role a login is for, as rate limits and explanations call it. Says nothing about who may use it."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.sdk.routes import Owned


async def role_of(owned: Owned, params: Mapping[str, str], data: Mapping[str, object]) -> str:
    """The name of the role that a login at this route asks for; "" where it names none.

    What was captured from the path wins over the body. Nothing is proved yet: the name is the caller's word, or what
    the method makes of it.
    """
    facts = owned.route.login
    if facts is None:
        return ""
    said = params.get(facts.role) or data.get(facts.role, "")
    if not isinstance(said, str) or not said or facts.resolve is None:
        return said if isinstance(said, str) else ""
    return await facts.resolve(owned.owner, said)
