"""The userpass auth method: its paths. Users are in `user.py`, hashes in `passwords.py`."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from vaultlike.errors import Invalid, InvalidCredentials, NotFound
from vaultlike.sdk import Alias, Backend, Call, Context, Login, Renewal, TokenParams, login, write
from vaultlike.types import NO_SECRET
from vaultlike_userpass.passwords import Passwords
from vaultlike_userpass.user import FIELD_TEXT, LoginBody, PasswordBody, PoliciesBody, User, Users, show_user

REFUSED = "invalid username or password"  # the same for an unknown user and a wrong password


class Userpass(Backend):
    """People log in with a name and a password."""

    kind = "userpass"
    summary = "Log in with a username and a password."
    open_below = "login/"
    users = Users(
        "users/{username}",
        User,
        render=show_user,
        fold=True,
        field_text=FIELD_TEXT,
        prepare="prepare_user",
        ttl_warnings=False,  # a longer lifetime is cut at the login, in silence
        summary="a user: the password and what the token may do",
    )

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._passwords = Passwords()

    async def prepare_user(self, call: Call, new: User, old: User | None) -> None:
        """Replaces a sent password by its hash; a new user needs one, an old one keeps what is not sent."""
        password, new.password = new.password, NO_SECRET
        sent_hash = new.password_hash if call.data.get("password_hash") is not None else NO_SECRET
        new.password_hash = old.password_hash if old is not None else NO_SECRET
        if old is None or any(call.data.get(name) is not None for name in ("password", "password_hash")):
            new.password_hash = await self._passwords.to_store(password, sent_hash)

    @login("login/{username}", alias="username", fold=True)
    async def login(self, call: Call, body: LoginBody) -> Login:
        """Logs a user in."""
        if not body.password:
            raise Invalid("missing password")
        name = call.params["username"].lower()
        user = await self.users.find(self.ctx, name)
        right = await self._passwords.match(body.password, user.password_hash if user is not None else None)
        if user is None:
            call.require("username", "a user", name, False, Invalid(REFUSED, reason=f"there is no user {name}"))
        wrong = InvalidCredentials(REFUSED, reason="wrong password")
        call.require("password", "the user's", "the user's" if right else "another one", right, wrong)
        assert user is not None
        return Login(
            alias=Alias(name),
            token=user,
            display_name=name,
            metadata={"username": name},
            memo={"username": name},
        )

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's token parameters of the user; refused when the user is gone or has other policies now."""
        user = await self.users.find(self.ctx, renewal.memo.get("username", ""))
        if user is None:
            raise Invalid("the user no longer exists, not renewing")
        if _counting(user.token_policies) != _counting(renewal.token_policies):
            raise Invalid("policies have changed, not renewing")
        return user

    @write("users/{username}/password")
    async def change_password(self, call: Call, body: PasswordBody) -> None:
        """Changes the password of a user. Tokens that the user has stay valid."""
        _there(await self.users.find(self.ctx, call.params["username"]))
        hashed = await self._passwords.to_store(body.password, body.password_hash)
        await self.users.change(
            self.ctx, call.params["username"], lambda user: replace(_there(user), password_hash=hashed)
        )

    @write("users/{username}/policies")
    async def change_policies(self, call: Call, body: PoliciesBody) -> None:
        """Changes the policies of a user; nothing sent changes nothing."""
        wanted = body.policies if body.token_policies is UNSET else body.token_policies
        if wanted is UNSET:
            _there(await self.users.find(self.ctx, call.params["username"]))
            return
        names = tuple(sorted(_counting(wanted, default=True)))
        old_name = names if body.policies is not UNSET else UNSET
        await self.users.change(
            self.ctx,
            call.params["username"],
            lambda user: replace(_there(user), token_policies=names, policies=old_name),
        )


def _there(user: User | None) -> User:
    if user is None:
        raise NotFound("username does not exist")
    return user


def _counting(names: tuple[str, ...], *, default: bool = False) -> set[str]:
    """The policies that count for a comparison: folded, and without `default` unless asked for."""
    return {name.strip().lower() for name in names} - {""} - (set() if default else {"default"})
