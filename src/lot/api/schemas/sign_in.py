"""Bodies about signing in, and about what a user is signed in with. Secrets go in; a new one comes out once."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

Name = Annotated[str, Field(min_length=1, max_length=200, description="Case does not count")]
Password = Annotated[SecretStr, Field(max_length=4096)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UserBody(_Body):
    """Somebody who may sign in."""

    name: str


class ListedUserBody(_Body):
    """A user as the others see them."""

    id: str
    name: str
    created_at: AwareDatetime
    last_seen_at: AwareDatetime | None = Field(
        description="To within five minutes; null: they are signed in nowhere, and none of their tokens was used"
    )
    has_password: bool
    providers: list[str] = Field(description="By whose accounts they sign in; an address: not configured any more")
    is_current: bool = Field(description="Whether it is the one that asks")


class UserChanges(_Body):
    """What is to be changed of a user."""

    name: Name = Field(description="1 to 80 letters, digits and . _ @ + -; what they sign in with from then on")


class PasswordMethod(_Body):
    """By name and password."""

    kind: Literal["password"] = "password"


class ElsewhereMethod(_Body):
    """By an account elsewhere."""

    kind: Literal["oidc"] = "oidc"
    name: str
    url: str = Field(description="A page to open, with `?to=<path>` for where to come afterwards")


class SignInBody(_Body):
    """Whether the caller is signed in, and how one may sign in."""

    is_signed_in: bool
    user: UserBody | None = Field(description="Null also for the token of the data folder, which is no user's")
    has_users: bool = Field(description="Whether anybody has used the link of the first start yet")
    methods: list[PasswordMethod | ElsewhereMethod]


class NewSignIn(_Body):
    """A name and a password."""

    name: Name
    password: Password


class LinkCheck(_Body):
    """A one-time link's secret: what follows `?link=` in its address."""

    link: SecretStr = Field(min_length=1, max_length=200)


class LinkUse(LinkCheck):
    """A one-time link's secret, and who one wants to be."""

    name: Name | None = Field(default=None, description="For a link that makes a new user, with a password")
    password: Password | None = Field(default=None, description="At least 8 characters; replaces the present one")


class LinkCheckBody(_Body):
    """Whom a link lets in."""

    user: UserBody | None = Field(description="Null: whoever uses it chooses a name and a password")


class NewSignInLink(_Body):
    """A one-time link to be made."""

    user: Name | None = Field(default=None, description="Whom it lets in; by default the only user")
    is_new: bool = Field(default=False, description="Whether it makes a further user; so it is while there is none")


class SignInLinkBody(_Body):
    """A one-time link, shown this once."""

    url: str
    user: str | None = Field(description="Whom it lets in; null: it makes a new user")
    ends_at: AwareDatetime


class BrowserSessionBody(_Body):
    """A browser that somebody is signed in with."""

    id: str
    user: str
    user_agent: str
    address: str = Field(description="Where it was last seen")
    created_at: AwareDatetime
    last_seen_at: AwareDatetime = Field(description="To within five minutes")
    ends_at: AwareDatetime = Field(description="Unless it is used before")
    is_current: bool = Field(description="Whether it is the one that asks")


class NewToken(_Body):
    """A token for a program to be made."""

    name: str = Field(min_length=1, max_length=80, description="What it is for")


class TokenBody(_Body):
    """A token for a program, without its secret."""

    id: str
    name: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = Field(description="To within five minutes")


class MadeTokenBody(TokenBody):
    """A token that was made just now."""

    token: str = Field(description="Shown this once; sent as `Authorization: Bearer <token>`")


class PasswordChange(_Body):
    """A new password in place of the present one."""

    current: Password
    new: Password = Field(description="At least 8 characters")
