"""`sys/quotas/*`: rate limits (spec/vault-api.md 2.11). `rate_limits` says what a rule means; the core counts."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Call, delete, list_, read, write
from vaultlike.system.part import Part
from vaultlike.system.rate_limits import GROUPS, MAX_RULES, Quotas, RateLimit, change, quotas
from vaultlike.types import Duration, Names

MAX_RATE = 1e9  # requests in an interval


class RateLimitBody(Struct, kw_only=True):
    """One rule; a write replaces all of it."""

    rate: Annotated[float, Meta(description="How many requests in each interval.")] = 0.0
    path: Annotated[str, Meta(description="A mount, a path or a path with a final *; empty means everything.")] = ""
    interval: Annotated[Duration, Meta(description="The interval.")] = 1
    block_interval: Annotated[Duration, Meta(description="How long an address is refused once it was too fast.")] = 0
    role: Annotated[str, Meta(description="Only logins with this role; for auth methods.")] = ""
    type: Annotated[str, Meta(description="Kept for clients: always rate-limit.")] = ""
    group_by: Annotated[str, Meta(description="ip, none, entity_then_ip or entity_then_none: who is counted.")] = ""
    secondary_rate: Annotated[
        float, Meta(description="Rate of requests without an entity, for entity_then_ip and entity_then_none.")
    ] = 0.0
    inheritable: Annotated[
        bool, Meta(description="Kept for clients: a rule without a path counts for all namespaces.")
    ] = False


class ConfigBody(Struct, kw_only=True):
    """Settings of all rules; what is not sent stays."""

    rate_limit_exempt_paths: Annotated[Names | UnsetType, Meta(description="Paths that no rule limits.")] = UNSET
    enable_rate_limit_audit_logging: Annotated[bool | UnsetType, Meta(description="Audit refusals too.")] = UNSET
    enable_rate_limit_response_headers: Annotated[
        bool | UnsetType, Meta(description="Tell limit and waiting time in the headers of refusals.")
    ] = UNSET


class QuotaPaths(Part):
    """Rate limits."""

    @read("quotas/config")
    async def read_config(self, call: Call) -> dict[str, object]:
        """Shows the settings of all rules."""
        found = await quotas(self.services.storage)
        return {
            "rate_limit_exempt_paths": found.exempt,
            "enable_rate_limit_audit_logging": found.log_refusals,
            "enable_rate_limit_response_headers": found.show_headers,
        }

    @write("quotas/config")
    async def write_config(self, call: Call, body: ConfigBody) -> None:
        """Changes the settings of all rules."""

        def edit(now: Quotas) -> Quotas:
            if body.rate_limit_exempt_paths is not UNSET:
                now = replace(now, exempt=tuple(path.lstrip("/") for path in body.rate_limit_exempt_paths if path))
            if body.enable_rate_limit_audit_logging is not UNSET:
                now = replace(now, log_refusals=body.enable_rate_limit_audit_logging)
            if body.enable_rate_limit_response_headers is not UNSET:
                now = replace(now, show_headers=body.enable_rate_limit_response_headers)
            return now

        await change(self.services.storage, edit)

    @list_("quotas/rate-limit/")
    async def names(self, call: Call) -> dict[str, object]:
        """Lists the rules."""
        found = await quotas(self.services.storage)
        return {"keys": sorted(rule.name for rule in found.rules)}

    @read("quotas/rate-limit/{name}")
    async def one(self, call: Call) -> Answer:
        """Shows a rule."""
        rule = (await quotas(self.services.storage)).named(call.name)
        if rule is None:
            return None
        shown: dict[str, object] = {
            "name": rule.name,
            "type": "rate-limit",
            "path": rule.path,
            "role": rule.role,
            "rate": _number(rule.rate),
            "interval": rule.interval,
            "block_interval": rule.block_interval,
        }
        if rule.group_by != "ip":  # clients of the versions that do not know it compare the whole answer
            shown["group_by"] = rule.group_by
            shown["secondary_rate"] = _number(rule.secondary_rate)
        return shown

    @write("quotas/rate-limit/{name}")
    async def save(self, call: Call, body: RateLimitBody) -> None:
        """Writes a rule; it counts from the next request on."""
        if not 0 < body.rate <= MAX_RATE:
            raise Invalid("'rate' is invalid")
        group_by = body.group_by or "ip"
        if group_by not in GROUPS:
            raise Invalid(f"'group_by' must be one of {', '.join(GROUPS)}")
        if not 0 <= body.secondary_rate <= MAX_RATE or (body.secondary_rate and "entity" not in group_by):
            raise Invalid("'secondary_rate' is invalid")
        rule = RateLimit(
            name=call.name,
            path=self._path(body.path, body.role),
            rate=body.rate,
            interval=body.interval or 1,
            block_interval=body.block_interval,
            role=body.role,
            group_by=group_by,
            secondary_rate=body.secondary_rate,
        )

        def edit(now: Quotas) -> Quotas:
            others = [one for one in now.rules if one.name != rule.name]
            for one in others:
                if (one.path, one.role) == (rule.path, rule.role):
                    raise Invalid(f'quota rule with similar properties exists under the name "{one.name}"')
            if len(others) >= MAX_RULES:
                raise Invalid(f"more than {MAX_RULES} rules")
            return now.having(*others, rule)

        await change(self.services.storage, edit)

    @delete("quotas/rate-limit/{name}")
    async def remove(self, call: Call) -> None:
        """Deletes a rule. Fine when there is none."""
        await change(
            self.services.storage, lambda now: now.having(*(rule for rule in now.rules if rule.name != call.name))
        )

    def _path(self, raw: str, role: str) -> str:
        """The path as it is stored: a mount's with its slash. Raises Invalid where nothing is mounted."""
        path = raw.lstrip("/")
        if path == "":
            if role:
                raise Invalid("'role' needs the path of an auth method")
            return ""
        if self.services.namespaces.resolve("", path)[0].id:
            return path
        found = self.services.router.find(path.removesuffix("*"))
        if found is None:
            raise Invalid(f'invalid mount path "{raw[:256]}"')
        mount, rest = found
        if role and (not mount.entry.auth or rest.removesuffix("*")):
            raise Invalid("'role' needs the path of an auth method")
        return mount.entry.path if not rest and not path.endswith("*") else path


def _number(rate: float) -> float | int:
    return int(rate) if rate.is_integer() else rate
