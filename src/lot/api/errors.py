"""From our errors to HTTP: the status of each `code`, and the body `{"code", "message"}`."""

import math
from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from lot.api.web_app import EVERY_PATH
from lot.core.errors import (
    CallerError,
    LotError,
    NotFoundError,
    TooManyAttemptsError,
    UnauthenticatedError,
    UnavailableError,
)

logger = structlog.get_logger(__name__)


class ErrorBody(BaseModel):
    """Every error, whatever its status."""

    code: str = Field(description="Stable, such as session.transition_not_allowed")
    message: str = Field(description="What was seen, and the next step")


_STATUSES: Mapping[str, int] = {
    "auth.required": 401,
    "auth.refused": 403,  # 401 is left to say one thing: sign in first
    "auth.too_many_attempts": 429,
    "auth.provider": 502,
    "forbidden": 403,
    "forbidden.origin": 403,
    "forbidden.host": 403,
    "not_found": 404,
    "input.invalid": 422,
    "input.too_large": 413,
    "git.repository": 422,
    "session.transition_not_allowed": 409,
    "project.not_ready": 409,
    "budget.reached": 409,
    "environment.changed": 409,
    "nothing_to_do": 409,
    "lease.stale_epoch": 409,
    "caller": 409,
    "git.failed": 502,
    "git.account_refused": 502,
    "git.unreachable": 502,
    "git.rate_limited": 503,
    "git.not_supported": 409,
    "model.provider": 502,
    "model.key_refused": 422,
    "host.full": 507,
    "push.off": 409,
}


def status_of(error: LotError) -> int:
    """Return the HTTP status of an error: its code's own, else its family's."""
    if error.code in _STATUSES:
        return _STATUSES[error.code]
    if isinstance(error, CallerError):
        return 400
    return 503 if isinstance(error, UnavailableError) else 500


def error_response(error: LotError) -> JSONResponse:
    """Return the answer that tells of an error."""
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttemptsError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return JSONResponse({"code": error.code, "message": str(error)}, status_of(error), headers)


def install_error_handlers(app: FastAPI) -> None:
    """Have an application answer our errors, malformed and unknown requests, and our own defects in one shape."""
    app.add_exception_handler(LotError, _answer_ours)
    app.add_exception_handler(HTTPException, _answer_unrouted)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    app.add_exception_handler(Exception, _answer_defect)


async def _answer_ours(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, LotError):
        raise error
    return error_response(error)


async def _answer_malformed(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5])
    return JSONResponse({"code": "input.invalid", "message": faults}, 422)


async def _answer_unrouted(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework itself refuses: a path or a method that no route has."""
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    if error.status_code == 405 and _is_routed(request):
        message = f"{path} does not take {request.method}; /openapi.json has what it takes"
        return JSONResponse({"code": "method_not_allowed", "message": message}, 405, error.headers)
    if error.status_code in (404, 405):
        return error_response(NotFoundError(f"there is nothing at {path} for {request.method}"))
    return JSONResponse({"code": "caller", "message": str(error.detail)}, error.status_code, error.headers)


def _is_routed(request: Request) -> bool:
    """Return whether a path is of a route, with whatever method, and not only the application's page."""
    routes = (route for route in request.app.routes if getattr(route, "path", None) != EVERY_PATH)
    return any(route.matches(request.scope)[0] is not Match.NONE for route in routes)


async def _answer_defect(request: Request, error: Exception) -> JSONResponse:
    logger.exception("request failed", path=request.url.path, exc_info=error)
    message = "Lot has a defect here; its log has the details"
    return JSONResponse({"code": "internal", "message": message}, 500)
