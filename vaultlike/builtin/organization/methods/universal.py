"""universal-auth: a client id, which is no secret, and client secrets (spec/infisical.md 1, 2): the role of `approle`
that has the identity's name; all identities share one mount. Client secrets are in `client_secrets.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, structs

from vaultlike.builtin.organization.methods.access import (
    ANYWHERE,
    CAP,
    MAX_TTL,
    AccessFields,
    Networks,
    TrustedIp,
    Ttl,
    read_networks,
    token_fields,
)
from vaultlike.builtin.organization.methods.method import Attachment, Method, Step
from vaultlike.builtin.organization.methods.reach import Reach
from vaultlike.builtin.organization.places import METHODS
from vaultlike.errors import Invalid
from vaultlike.mounts.entry import LockoutSettings

UNIVERSAL = f"{METHODS}universal/"


class UniversalFields(AccessFields):
    """What an identity with client secrets says."""

    client_id: Annotated[str, Meta(description="What a login names the identity by; made here, never taken.")] = ""
    client_secret_trusted_ips: Annotated[
        Networks, Meta(description="Addresses and networks that a client secret logs in from: {ipAddress} each.")
    ] = ANYWHERE
    access_token_period: Annotated[
        Ttl, Meta(description="Seconds by which each renewal prolongs a token, without an end; 0: none.")
    ] = 0
    lockout_enabled: Annotated[
        bool, Meta(description="Whether an address with wrong secrets is turned away for a while.")
    ] = True
    lockout_threshold: Annotated[
        Annotated[int, Meta(ge=1, le=30)], Meta(description="Wrong secrets in a row, from one address.")
    ] = 3
    lockout_duration_seconds: Annotated[
        Annotated[int, Meta(ge=30, le=86_400)], Meta(description="How long that address is turned away.")
    ] = 300
    lockout_counter_reset_seconds: Annotated[
        Annotated[int, Meta(ge=5, le=3_600)],
        Meta(description="After how long without a wrong one counting starts anew."),
    ] = 30


_RANGES = {
    "lockout_threshold": (1, 30, "lockoutThreshold"),
    "lockout_duration_seconds": (30, 86_400, "lockoutDurationSeconds"),
    "lockout_counter_reset_seconds": (5, 3_600, "lockoutCounterResetSeconds"),
    "access_token_period": (0, CAP, "accessTokenPeriod"),
}


class UniversalAuth(Method[UniversalFields]):
    """Client ids and secrets."""

    name = "universal-auth"
    title = "universal auth"
    plugin = "approle"
    instances = False
    longest: ClassVar[int] = MAX_TTL  # client secrets may live so long; the roles bound the tokens
    fields = UniversalFields

    @property
    def mount(self) -> str:
        """Where its plugin is mounted."""
        return UNIVERSAL

    def checked(
        self, fields: UniversalFields, before: Attachment[UniversalFields] | None, reach: Reach
    ) -> UniversalFields:
        """The fields with the client id of before, or a fresh one."""
        for name, (least, most, said) in _RANGES.items():
            if not least <= getattr(fields, name) <= most:
                raise Invalid(f"{said} must be between {least} and {most}")
        return structs.replace(
            fields,
            client_id=before.fields.client_id if before is not None else str(uuid.uuid4()),
            client_secret_trusted_ips=read_networks(fields.client_secret_trusted_ips, "clientSecretTrustedIps"),
        )

    def steps(self, identity: str, fields: UniversalFields) -> Sequence[Step]:
        """The identity's role."""
        role = {
            **token_fields(fields),
            "token_ttl": min(fields.access_token_ttl or CAP, CAP),
            "token_max_ttl": min(fields.access_token_max_ttl or CAP, CAP),
            "token_period": fields.access_token_period,
            "role_id": fields.client_id,
            "bind_secret_id": True,
            "secret_id_bound_cidrs": [_masked(one) for one in fields.client_secret_trusted_ips],
        }
        return (Step(path=f"role/{identity}", data=role),)

    def lockout(self, fields: UniversalFields) -> LockoutSettings | None:
        """When wrong secrets lock their address out."""
        return LockoutSettings(
            threshold=fields.lockout_threshold,
            duration=fields.lockout_duration_seconds,
            counter_reset=fields.lockout_counter_reset_seconds,
            disable=not fields.lockout_enabled,
        )


def _masked(one: TrustedIp) -> str:
    """As a role wants its networks: with their mask, single addresses too."""
    return one.cidr if "/" in one.cidr else f"{one.cidr}/{32 if one.type == 'ipv4' else 128}"
