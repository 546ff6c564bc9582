"""`make demo`: the main job of a new user, walked with the real command line over the real HTTP API.

Owns the story and its expectations. Every step says what it must answer; the first that answers otherwise ends the
demo with exit code 1. Server, emulator, home and files live in a folder that goes away at the end.
"""

from __future__ import annotations

import http.client
import json
import shlex
import signal
import sys
import textwrap
from types import FrameType
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

from vaultlike.testing.azure import world
from vaultlike.testing.process import DevServer, DidNotStart, Ran

RESOURCE = "https://management.azure.com/"
SECRET = "correct-horse-battery-staple"
POLICY = 'path "secret/data/creds" {\n  capabilities = ["read"]\n}\n'
MACHINE = (
    f"subscription_id={world.SUBSCRIPTION_ID}", f"resource_group_name={world.RESOURCE_GROUP}", f"vm_name={world.VM}",
)  # fmt: skip
_COLOURS = sys.stdout.isatty()


class Unexpected(Exception):
    """A step did not answer as it must."""


def _painted(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _COLOURS else text


def chapter(text: str) -> None:
    """A heading of the story."""
    print(f"\n{_painted('== ' + text, '1;36')}\n", flush=True)


def show(who: str, command: str, answer: str) -> None:
    """One command and its answer."""
    print(_painted(f"{who} $ {command}", "1"))
    print(textwrap.indent(answer.rstrip(), "    ") + "\n", flush=True)


class Walk:
    """The two who take part: the operator with the root token, and a virtual machine with what it is given."""

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self.token = ""
        self.jwt = ""

    def operator(self, *words: str, says: str = "", code: int = 0, stdin: str = "", shown: str = "") -> Ran:
        """A command of the operator; it must end with `code` and say `says`."""
        return self._run("operator", words, None, says, code, stdin, shown)

    def machine(self, *words: str, says: str = "", code: int = 0, shown: str = "", token: str | None = None) -> Ran:
        """A command on the virtual machine, with the token it got."""
        return self._run("machine ", words, self.token if token is None else token, says, code, "", shown)

    def _run(
        self, who: str, words: tuple[str, ...], token: str | None, says: str, code: int, stdin: str, shown: str
    ) -> Ran:
        environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self._server.facts["metadata"]}
        ran = self._server.run(*words, token=token, stdin=stdin, environ=environ)
        show(who, shown or shlex.join(("vaultlike", *words)), ran.out + ran.err)
        if ran.code != code or says not in ran.out + ran.err:
            wanted = f" saying {says!r}" if says else ""
            raise Unexpected(f"expected exit code {code}{wanted}, got exit code {ran.code}")
        return ran

    def write(self, name: str, text: str) -> None:
        """A file in the folder where the commands run."""
        (self._server.folder / name).write_text(text)

    def fetch_identity(self) -> None:
        """Asks the emulated instance metadata service for the machine's token, as `curl` would."""
        base = self._server.facts["metadata"]
        target = "/metadata/identity/oauth2/token?" + urlencode({"api-version": "2018-02-01", "resource": RESOURCE})
        connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
        try:
            connection.request("GET", target, headers={"Metadata": "true"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        self.jwt = str(answer.get("access_token", ""))
        brief = {**answer, "access_token": f"{self.jwt[:16]}... ({len(self.jwt)} characters)"}
        show("machine ", f"curl -H Metadata:true '{base}{target}'", json.dumps(brief, indent=2))
        if self.jwt.count(".") != 2:
            raise Unexpected("the metadata service gave no token")


def field(ran: Ran, name: str) -> str:
    """The value beside `name` in a two-column answer. Raises Unexpected."""
    for line in ran.out.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name:
            return words[1]
    raise Unexpected(f"the answer has no {name}")


def walk(server: DevServer) -> None:
    """The whole story. Raises Unexpected."""
    scene = Walk(server)
    _configure(scene)
    _use(scene)
    _refused(scene)


def _configure(scene: Walk) -> None:
    chapter("The operator enables the azure method and says who may come in")
    scene.operator("auth", "enable", "azure", says="Success! Enabled azure auth method at: azure/")
    scene.write("client-secret", world.SERVER_CLIENT_SECRET)
    scene.operator(
        *("write", "auth/azure/config", f"tenant_id={world.TENANT_ID}", f"resource={RESOURCE}"),
        *("environment=AzureEmulator", f"client_id={world.SERVER_CLIENT_ID}", "client_secret=@client-secret"),
        says="Success!",
    )
    scene.write("dev.hcl", POLICY)
    scene.operator("policy", "write", "dev", "dev.hcl", says="Success! Uploaded policy: dev")
    scene.operator("kv", "put", "secret/creds", f"password={SECRET}", says="secret/data/creds")
    scene.operator(
        *("write", "auth/azure/role/dev-role", "policies=dev", f"bound_subscription_ids={world.SUBSCRIPTION_ID}"),
        *(f"bound_resource_groups={world.RESOURCE_GROUP}", "token_ttl=1h", "token_max_ttl=4h"),
        says="Success!",
    )


def _use(scene: Walk) -> None:
    chapter("A virtual machine proves who it is and gets a token")
    scene.fetch_identity()
    login = scene.machine(
        *("write", "auth/azure/login", "role=dev-role", f"jwt={scene.jwt}", *MACHINE),
        says="hvs.",
        token="",
        shown=f'vaultlike write auth/azure/login role=dev-role jwt="$JWT" {shlex.join(MACHINE)}',
    )
    scene.token = field(login, "token")
    chapter("It reads the secret, and nothing else")
    read = scene.machine("read", "-field=data", "secret/data/creds")
    got = scene.machine("kv", "get", "-field=password", "secret/creds")
    if SECRET not in read.out or got.out.strip() != SECRET:
        raise Unexpected("the secret is not what was put there")
    scene.machine("kv", "put", "secret/creds", "password=mine", code=2, says="permission denied")
    chapter("The token is renewed, looked up and revoked; then it is worth nothing")
    scene.machine("token", "renew", "-increment=2h", says="token_renewable")
    scene.machine("token", "lookup", says="auth/azure/login")
    scene.machine("token", "revoke", "-self", says="Success! Revoked token")
    scene.machine("kv", "get", "secret/creds", code=2, says="permission denied")
    chapter("The same in one step: the command line asks the metadata service by itself")
    scene.machine(
        *("login", "-no-store", "-method=azure", "role=dev-role", "vm_name=auto"),
        says="You are now authenticated",
        token="",
    )


def _refused(scene: Walk) -> None:
    chapter("A login that the role does not admit, and why")
    prod = ("auth/azure/role/prod-role", "policies=dev", "bound_resource_groups=prod-rg")
    scene.operator("write", *prod, says="Success!")
    refused = scene.machine(
        *("write", "auth/azure/login", "role=prod-role", f"jwt={scene.jwt}", *MACHINE),
        code=2,
        says="permission denied",
        token="",
        shown=f'vaultlike write auth/azure/login role=prod-role jwt="$JWT" {shlex.join(MACHINE)}',
    )
    if "prod-rg" in refused.out + refused.err:
        raise Unexpected("the caller was told which bound refused it")
    request = refused.err.split("vaultlike explain ", 1)[-1].split()[0] if "vaultlike explain " in refused.err else ""
    scene.operator("explain", request, says="The login stopped at `bound_resource_groups`")
    chapter("Would it work with the other role? A dry run gives out no token")
    scene.write("jwt", scene.jwt)
    trial = scene.operator("explain", "-role=dev-role", "-jwt=@jwt", "auth/azure", *MACHINE, says="accepted")
    if "hvs." in trial.out or scene.jwt in trial.out:
        raise Unexpected("a dry run gave out a token")
    scene.operator(
        *("explain", "-role=prod-role", "-jwt=@jwt", "auth/azure", *MACHINE), code=2, says="bound_resource_groups"
    )


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Runs the demo. 0: every step answered as it must; 1: one did not; 130: interrupted."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        chapter("A dev server in memory, with an emulated Azure beside it")
        with DevServer(azure=True) as server:
            show("operator", "vaultlike server -dev -dev-azure", f"{server.url}, metadata {server.facts['metadata']}")
            walk(server)
    except (Unexpected, DidNotStart) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted, cleaned up", file=sys.stderr)
        return 130
    print("Everything answered as it must. The server, the emulator and their files are gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
