"""Bodies about Web Push. What a browser gives goes in and never comes out."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PushDeviceBody(_Body):
    """A browser to which notices are sent."""

    id: str
    user_agent: str
    made_at: AwareDatetime
    is_current: bool = Field(description="Whether it is the one that asks")
    failure: str | None = Field(
        description="Why the last notice did not get to its push service; null: it did, or there was none yet"
    )


class PushBody(_Body):
    """Whether notices reach browsers in which no page is open, and which."""

    is_on: bool = Field(description="Whether this server may ask a push service at all")
    reason: str | None = Field(description="Why not, with the next step")
    public_key: str | None = Field(description="What a browser subscribes with (`applicationServerKey`)")
    devices: list[PushDeviceBody] = Field(description="The user's, the newest first")


class PushKeysBody(_Body):
    """What a notice is encrypted with, so that the browser alone can read it."""

    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=100)


class NewPushDevice(_Body):
    """A browser's subscription, as `PushSubscription.toJSON()` has it."""

    endpoint: str = Field(max_length=2000, description="At a push service that the server may ask")
    keys: PushKeysBody
