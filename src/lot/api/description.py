"""The application's own description, with what goes over WebSockets in it: OpenAPI knows nothing of those."""

from collections.abc import Callable
from typing import Any, get_args

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lot.api.schemas.sessions import ChangeFrame, EventBody, PartFrame
from lot.api.schemas.stream import OverviewFrame
from lot.core.events import SessionEvent

_REFERENCE = "#/components/schemas/{model}"


def describe_frames(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return a maker of the description that also has every frame of a stream, and every kind of event."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = make()
            _, frames = models_json_schema([(model, "serialization") for model in _models()], ref_template=_REFERENCE)
            schemas = described["components"]["schemas"]
            schemas |= {name: schema for name, schema in frames["$defs"].items() if name not in schemas}
        return app.openapi_schema or make()

    return openapi


def _models() -> tuple[type[BaseModel], ...]:
    kinds = get_args(get_args(SessionEvent)[0])
    return (*get_args(OverviewFrame), EventBody, PartFrame, ChangeFrame, *kinds)
