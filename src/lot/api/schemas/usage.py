"""Bodies about what was used over time."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UsageDayBody(_Body):
    """What was used on one day."""

    day: date = Field(description="UTC")
    seconds_on: float = Field(description="Of sandboxes; two at once count twice")
    compute_units: float
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float = Field(description="As far as the prices of models are known")


class UsageSeriesBody(_Body):
    """What something used: every day that was asked for, also those on which that was nothing."""

    id: str | None = Field(description="Of the project or session; null: all together")
    name: str | None = Field(description="Of the project, or the session's title; null: all together, or deleted")
    days: list[UsageDayBody]


class UsageOverTimeBody(_Body):
    """What was used on each of the newest days."""

    total: UsageSeriesBody = Field(description="Of the project that was asked for, else of everything")
    projects: list[UsageSeriesBody] = Field(description="Those that used anything, deleted ones included")
    sessions: list[UsageSeriesBody] = Field(description="Of the project that was asked for; deleted ones are left out")


class DiskBody(_Body):
    """What is on the disk that Lot's data is on, in bytes; images of sandboxes may be shared with others."""

    free_bytes: int
    total_bytes: int
    disks_bytes: int = Field(description="Files of snapshots and sessions")
    memory_bytes: int = Field(description="Memory of paused sessions and of snapshots")
    repositories_bytes: int
    logs_bytes: int
    database_bytes: int
    base_images_bytes: int
