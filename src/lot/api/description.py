"""The API's own description (OpenAPI), with what routes alone do not tell: kinds of events, frames of the WebSockets.

The web application's types are generated from it (`make web-types`).
"""

from typing import Any, get_args

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from lot.api.schemas.sessions import ChangeFrame, EventBody, PartFrame
from lot.api.schemas.stream import OverviewFrame
from lot.core.events import SessionEvent

_REF = "#/components/schemas/{model}"


class EventFrame(BaseModel):
    """A frame of a session's event stream: one numbered event of its transcript."""

    number: int
    event: SessionEvent


class PageFrame(BaseModel):
    """A frame of a session's event stream that was asked for in pages: events that follow each other."""

    page: list[EventFrame]


FRAMES: tuple[type[BaseModel], ...] = (EventFrame, PageFrame, PartFrame, ChangeFrame, *get_args(OverviewFrame))
"""What WebSockets send as text; OpenAPI has no operation that would name them."""


class _Sent(GenerateJsonSchema):
    """What we send has all its fields, those with defaults too."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application's routes, events and frames."""
    described = FastAPI.openapi(app)
    _, frames = models_json_schema(
        [(frame, "serialization") for frame in FRAMES], ref_template=_REF, schema_generator=_Sent
    )
    schemas = described["components"]["schemas"]
    for name, schema in frames["$defs"].items():
        schemas.setdefault(name, schema)
    schemas[EventBody.__name__]["properties"]["event"] = schemas[EventFrame.__name__]["properties"]["event"]
    return described
