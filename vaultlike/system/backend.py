"""The system mount: every resource of `sys/*` under one backend. Owns the list of parts and nothing else."""

from __future__ import annotations

from vaultlike.sdk import Backend, Context
from vaultlike.sdk.routes import Route
from vaultlike.services import Services
from vaultlike.system.about import About
from vaultlike.system.activity import Activity
from vaultlike.system.activity_export import ActivityExport
from vaultlike.system.api_lock import ApiLock
from vaultlike.system.audit import Audit
from vaultlike.system.auth_mounts import AuthMounts
from vaultlike.system.capabilities import Capabilities
from vaultlike.system.cors import Cors
from vaultlike.system.counters import Counters
from vaultlike.system.crossing import Crossings
from vaultlike.system.diagnostics import Diagnostics
from vaultlike.system.explain import Explain
from vaultlike.system.host import Host
from vaultlike.system.keys import Keys
from vaultlike.system.leases import Leases
from vaultlike.system.locked_users import LockedUsers
from vaultlike.system.loggers import Loggers
from vaultlike.system.monitor import Monitor
from vaultlike.system.namespaces import NamespacePaths
from vaultlike.system.openapi import OpenApi
from vaultlike.system.part import Part
from vaultlike.system.password_policies import PasswordPolicies
from vaultlike.system.plugins import Plugins
from vaultlike.system.policies import Policies
from vaultlike.system.quotas import QuotaPaths
from vaultlike.system.rekeying import RecoveryRekeying, Rekeying
from vaultlike.system.remount import Remount
from vaultlike.system.root_generation import RootGenerationPaths
from vaultlike.system.seal import Life, SealPaths
from vaultlike.system.secret_mounts import SecretMounts
from vaultlike.system.tools import Tools
from vaultlike.system.tune import Tune
from vaultlike.system.ui_headers import UiHeaders
from vaultlike.system.ui_mounts import UiMounts
from vaultlike.system.wrapping import Wrapping


class System(Backend):
    """`sys/`: the server's own API, written with the same sdk as a plugin."""

    kind = "system"
    summary = "The server's own settings: mounts, policies, leases, seal."

    def __init__(self, ctx: Context, services: Services, life: Life) -> None:
        super().__init__(ctx)
        self._seal = SealPaths(life)
        self._rotation = life.rotation
        self._crossings = Crossings(services)
        self._about = About(services)
        # the order counts where patterns overlap: `auth/x/tune` is tuning, not a mount called `x/tune`
        self._parts: tuple[Part, ...] = (
            Tune(services),
            Audit(services),
            AuthMounts(services),
            SecretMounts(services),
            Remount(services),
            Policies(services),
            Capabilities(services),
            Leases(services),
            Wrapping(services),
            UiMounts(services),
            Plugins(services),
            Explain(services),
            Keys(services, self._rotation),
            RootGenerationPaths(services, life),
            Rekeying(services, life.custodian, life.rekey),
            RecoveryRekeying(services, life.custodian, life.recovery_rekey),
            Tools(services),
            Cors(services),
            UiHeaders(services),
            Counters(services, life),
            Activity(services),
            ActivityExport(services),
            OpenApi(services),
            QuotaPaths(services),
            LockedUsers(services),
            Loggers(services),
            Diagnostics(services, life.under_way),
            Host(services),
            Monitor(services, life),
            PasswordPolicies(services),
            ApiLock(services),
            NamespacePaths(services),
            self._about,
        )

    def routes(self) -> list[tuple[Route, object]]:
        """The routes of every part."""
        found = self._seal.routes()
        for part in self._parts:
            found += part.routes()
        return found

    async def start(self) -> None:
        """Notes which version runs here."""
        await self._about.start()

    async def tick(self) -> None:
        """Rotates the encryption key when its policy says so; finishes moves of mounts that were cut off."""
        if not self.ctx.namespace:
            await self._rotation.tick()
            await self._crossings.resume()
