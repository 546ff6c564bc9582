"""An auth method of somebody else's: devices that share a key with the server sign each login with it.

An operator stores a device (`device/{name}`: its key, its site) and roles with bounds on them. A device logs in with
the time, a nonce and `HMAC-SHA256(key, "role\\ndevice\\ntime\\nnonce")` in hex. Each nonce works once. All that is
not proof of identity (lifetimes, policies, tokens, audit) is the server's business and not found here.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Denied, Invalid
from vaultlike.sdk import (
    Alias,
    Backend,
    Bound,
    Call,
    Collection,
    Context,
    Login,
    Renewal,
    Singleton,
    TokenParams,
    enforce,
    login,
    narrows,
)
from vaultlike.types import NO_SECRET, Duration, Names, Secret

MAX_NONCE = 64  # characters
MIN_KEY = 16  # characters


class Config(Struct, kw_only=True):
    """What holds for all devices."""

    max_age: Annotated[Duration, Meta(description="How old a signature may be, in seconds.")] = 60


class Device(Struct, kw_only=True):
    """One device."""

    key: Annotated[Secret, Meta(description="The key that it shares with the server; never shown.")] = NO_SECRET
    site: Annotated[str, Meta(description="Where it stands; roles can be bound to it.")] = ""


class Role(TokenParams, kw_only=True):
    """Which devices may log in, and with what token."""

    bound_devices: Annotated[Names, Bound("device"), Meta(description="Names of devices.")] = ()
    bound_sites: Annotated[Names, Bound("site", fold=True), Meta(description="Sites of devices.")] = ()


class LoginBody(Struct, kw_only=True):
    """What a device sends."""

    role: Annotated[str, Meta(description="Name of the role to log in with.")] = ""
    device: Annotated[str, Meta(description="Name of the device.")] = ""
    time: Annotated[int, Meta(description="When it was signed, Unix seconds.")] = 0
    nonce: Annotated[str, Meta(description="Anything that this device has not used before.")] = ""
    signature: Annotated[Secret, Meta(description="HMAC-SHA256 in hex.")] = NO_SECRET


def signature(key: str, role: str, device: str, time: int, nonce: str) -> str:
    """What a device sends as proof."""
    return hmac.new(key.encode(), f"{role}\n{device}\n{time}\n{nonce}".encode(), hashlib.sha256).hexdigest()


def check_device(ctx: Context, call: Call, new: Device, old: Device | None) -> None:
    if len(new.key.reveal()) < MIN_KEY:
        raise Invalid(f"key needs at least {MIN_KEY} characters")


def check_role(ctx: Context, call: Call, new: Role, old: Role | None) -> None:
    if not narrows(new):
        raise Invalid("a role needs bound_devices or bound_sites: without them it would admit every device")


class Signed(Backend):
    """Devices log in with a signature by a key that they share with the server."""

    kind = "signed"
    summary = "Log in with a signature by a shared key."
    config = Singleton("config", Config, summary="what holds for all devices")
    devices = Collection("device/{name}", Device, check=check_device, summary="a device and its key")
    roles = Collection("role/{name}", Role, check=check_role, summary="a role: which devices may log in")

    @login("login", alias="device")
    async def login(self, call: Call, body: LoginBody) -> Login:
        """Logs a device in."""
        if not (body.role and body.device and body.time and body.nonce and body.signature):
            raise Invalid("role, device, time, nonce and signature are required")
        if len(body.nonce) > MAX_NONCE or not (body.nonce.isascii() and body.nonce.isalnum()):
            raise Invalid(f"nonce must be 1 to {MAX_NONCE} letters or digits")
        role = await self.roles.find(self.ctx, body.role)
        if role is None:
            raise Invalid("unknown role")
        device = await self.devices.find(self.ctx, body.device)
        self._check_signature(call, body, device)
        await self._check_age(call, body)
        assert device is not None
        enforce(call, role, {"device": body.device, "site": device.site})
        await self._spend(call, body)
        return Login(
            alias=Alias(body.device, {"site": device.site}),
            token=role,
            role=body.role,
            display_name=body.device,
            metadata={"role": body.role, "site": device.site},
            memo={"role": body.role, "device": body.device},
        )

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's parameters, while role and device exist and fit each other."""
        role = await self.roles.find(self.ctx, renewal.memo["role"])
        device = await self.devices.find(self.ctx, renewal.memo["device"])
        if role is None or device is None:
            raise Denied(reason="the role or the device is gone")
        enforce(call, role, {"device": renewal.memo["device"], "site": device.site})
        return role

    async def tick(self) -> None:
        """Forgets nonces whose signatures are too old anyway."""
        limit = self.ctx.clock.now() - 2 * (await self._max_age())
        for name in await self.ctx.storage.keys("nonce/"):
            if int(name.partition("/")[0]) < limit:
                await self.ctx.storage.delete(f"nonce/{name}")

    async def _max_age(self) -> int:
        return (await self.config.find(self.ctx) or Config()).max_age

    def _check_signature(self, call: Call, body: LoginBody, device: Device | None) -> None:
        key = device.key.reveal() if device else ""  # an unknown device costs the same time
        wanted = signature(key, body.role, body.device, body.time, body.nonce)
        ok = hmac.compare_digest(wanted.encode(), body.signature.reveal().encode()) and device is not None
        call.require("signature", "by the device's key", "valid" if ok else "invalid, or no such device", ok)

    async def _check_age(self, call: Call, body: LoginBody) -> None:
        age, limit = self.ctx.clock.now() - body.time, await self._max_age()
        call.require("time", f"within {limit} seconds", f"{age:.0f} seconds ago", -limit <= age <= limit)

    async def _spend(self, call: Call, body: LoginBody) -> None:
        """The last check, because it writes: of any number of uses of a nonce, on any node, one succeeds."""
        spent = False

        def once(before: bytes | None) -> bytes | None:
            nonlocal spent
            spent = before is None
            return b"1"

        name = hashlib.sha256(f"{body.device}\n{body.nonce}".encode()).hexdigest()
        path = f"nonce/{body.time}/{name}"
        if call.simulated:
            spent = await self.ctx.storage.get(path) is None
        else:
            await self.ctx.storage.update(path, once)
        call.require("nonce", "new", "new" if spent else "used before", spent)
