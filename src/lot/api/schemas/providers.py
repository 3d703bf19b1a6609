"""Bodies about providers of models. A key goes in and never comes out."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

KeyKind = Literal["api_key", "auth_token"]
MAX_KEY_CHARS = 4096


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewProviderKey(_Body):
    """With what a provider is to be asked."""

    kind: KeyKind = Field(description="api_key, or auth_token: a subscription token of the user's own")
    value: SecretStr = Field(max_length=MAX_KEY_CHARS, description="Stored encrypted; nothing gives it back")
    base_url: str | None = Field(
        default=None,
        max_length=2048,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Of whatever speaks the provider's API; by default the provider itself",
    )

    @field_validator("value")
    @classmethod
    def _is_one_word(cls, value: SecretStr) -> SecretStr:
        word = value.get_secret_value().strip()
        if (
            not word
            or not word.isascii()
            or not all(character.isprintable() and character != " " for character in word)
        ):
            raise ValueError("a key is one word of printable characters")
        return SecretStr(word)


class ModelBody(_Body):
    """A model that can be chosen."""

    id: str
    name: str


class ProviderBody(_Body):
    """A provider of models as it is now."""

    name: str
    is_scripted: bool
    is_ready: bool
    reason: str | None = Field(description="Why it cannot be used, with the next step")
    models: list[ModelBody]
    needs_key: bool
    key_kind: KeyKind | None = Field(description="Of the key that it is asked with; null: there is none")
    key_origin: Literal["environment", "stored"] | None = Field(
        description="Where that key was set; one of the server's environment counts, and is changed only there"
    )
    base_url: str | None = Field(description="Where it is asked; null: on the server itself")
