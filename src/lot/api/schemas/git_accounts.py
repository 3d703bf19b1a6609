"""Bodies about git accounts. A secret goes in and never comes out."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr


class _Body(BaseModel):
    # What we send has all its fields, and its description says so.
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class NewGitAccount(_Body):
    """Who Lot is to be at a git host: a user by a token, or an app's installation."""

    kind: str = Field(default="github", description="Which git host it is")
    url: str | None = Field(default=None, max_length=2048, description="The host's address; by default the public one")
    name: str | None = Field(
        default=None,
        max_length=80,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._\[\]-]*$",
        description="By default the login; one that exists gets the new secret",
    )
    token: SecretStr | None = Field(default=None, max_length=4096, description="The user's own; stored encrypted")
    app_id: int | None = Field(default=None, ge=1)
    installation_id: int | None = Field(default=None, ge=1)
    private_key: SecretStr | None = Field(
        default=None, max_length=16_384, description="The app's, as PEM; stored encrypted"
    )
    author_name: str | None = Field(default=None, min_length=1, max_length=200, description="Of commits")
    author_email: str | None = Field(default=None, min_length=3, max_length=320, description="Of commits")


class GivenApp(_Body):
    """An app at a git host, by its own key."""

    kind: str = Field(default="github", description="Which git host it is")
    url: str | None = Field(default=None, max_length=2048, description="The host's address; by default the public one")
    app_id: int = Field(ge=1)
    private_key: SecretStr = Field(max_length=16_384, description="The app's, as PEM; not stored by this")


class InstallationBody(_Body):
    """One place where an app is installed."""

    id: int = Field(description="Give this as `installation_id` of a new account")
    account: str = Field(description="The user or organisation whose repositories it was granted")
    has_all_repositories: bool = Field(description="Whether it was granted all of them, or chosen ones")
    is_suspended: bool


class GitAccountBody(_Body):
    """A git account, without its secret."""

    id: str
    name: str
    kind: str
    url: str
    login: str
    author_name: str
    author_email: str
    projects: list[str] = Field(description="Names of those that use it")
    created_at: AwareDatetime


class RepositoryBody(_Body):
    """A repository that an account was granted."""

    full_name: str = Field(description="Give this as the source of a new project, with the account")
    default_branch: str
    is_private: bool
    can_push: bool
