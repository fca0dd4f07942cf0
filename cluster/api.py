"""The dispatcher's HTTP face: bearer token, pydantic bodies, errors as JSON. Decides nothing and remembers nothing.

`PUT /v1/owners/{uid}/jobs` states a wanted set; `GET /v1/events` only wakes; the records in the store are the truth.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from cluster.client import TOKEN_HEADER
from cluster.engine import Engine
from cluster.ports import CancelOrder, JobReport, OwnerReport, Owners, Summary, Trouble, Wake, WantedSet
from jobs.errors import DispatcherUnavailable, FarmError, ManifestInvalid, NotFound, StaleTerm, Unauthorized

LONGEST_WAIT_SECONDS = 60.0

_STATUS: dict[type[FarmError], int] = {
    Unauthorized: 401,
    NotFound: 404,
    StaleTerm: 409,
    ManifestInvalid: 422,
    DispatcherUnavailable: 503,
}


def create_app(engine: Engine, token: str, *, metrics_are_open: bool = False) -> FastAPI:
    """The application over an engine; whoever shows the token may do everything. Nothing describes it to others.

    With metrics_are_open the figures are told without the token: they name workers, and neither brands nor jobs.
    """
    assert token, "an empty token would let everybody in"
    app = FastAPI(title="brandfarm dispatcher", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_probes(engine))
    knows_token = Depends(_doorkeeper(token))
    app.include_router(_figures(engine), dependencies=[] if metrics_are_open else [knows_token])
    app.include_router(_questions(engine), prefix="/v1", dependencies=[knows_token, Depends(engine.require_charge)])
    app.add_exception_handler(FarmError, _tell_error)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    return app


def _doorkeeper(token: str):  # type: ignore[no-untyped-def]
    expected, alone = f"Bearer {token}".encode(), token.encode()

    def check(
        authorization: Annotated[str, Header()] = "", passed_on: Annotated[str, Header(alias=TOKEN_HEADER)] = ""
    ) -> None:
        is_direct = secrets.compare_digest(authorization.encode(), expected)
        if not is_direct and not secrets.compare_digest(passed_on.encode(), alone):
            raise Unauthorized(
                "The dispatcher was asked without its token, or with a wrong one.",
                hint="The token stands in the farm's home, or in its Secret; it is sent as `Authorization: Bearer ...`.",
            )

    return check


def _probes(engine: Engine) -> APIRouter:
    probes = APIRouter()

    @probes.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @probes.get("/readyz")
    async def readyz() -> dict[str, int]:
        """It is in charge and has looked for workers."""
        if not engine.is_ready:
            raise DispatcherUnavailable("The dispatcher is starting.", hint="Ask again in a moment.")
        return {"epoch": engine.epoch}

    return probes


def _figures(engine: Engine) -> APIRouter:
    figures = APIRouter()

    @figures.get("/metrics")
    async def get_metrics() -> Response:
        """Also while it waits for its charge: a store that is away is worth an alert."""
        return Response(engine.metrics(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return figures


def _questions(engine: Engine) -> APIRouter:
    questions = APIRouter()

    @questions.put("/owners/{uid}/jobs")
    async def put_jobs(uid: str, wanted: WantedSet) -> OwnerReport:
        return engine.want(uid, wanted)

    @questions.get("/owners")
    async def get_owners(lease: str = "", term: int = 0) -> Owners:
        return engine.owners(lease, term)

    @questions.get("/owners/{uid}")
    async def get_owner(uid: str) -> OwnerReport:
        return engine.report(uid)

    @questions.get("/events")
    async def get_events(
        after: int = 0, wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS)] = LONGEST_WAIT_SECONDS
    ) -> Wake:
        return await engine.wait_for_change(after, wait)

    @questions.get("/summary")
    async def get_summary() -> Summary:
        return engine.summary()

    @questions.get("/jobs/{job}")
    async def get_job(job: str) -> JobReport:
        return engine.job(job)

    @questions.get("/jobs/{job}/why")
    async def get_why(job: str) -> dict[str, str]:
        return {"why": engine.why(job)}

    @questions.post("/jobs/{job}/retry")
    async def post_retry(job: str) -> JobReport:
        return engine.retry(job)

    @questions.post("/jobs/{job}/cancel")
    async def post_cancel(job: str, order: CancelOrder) -> JobReport:
        return engine.cancel(job, order)

    return questions


async def _tell_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FarmError)
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    return _told(
        status, Trouble(reason=error.reason, message=error.message, hint=error.hint, retryable=error.retryable)
    )


async def _tell_invalid(_request: Request, error: Exception) -> JSONResponse:
    """What was sent is not what was asked for. The values that were sent are not repeated."""
    assert isinstance(error, RequestValidationError)
    places = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5]]
    message = f"The dispatcher could not read the request: {'; '.join(places)}."
    return _told(422, Trouble(reason=ManifestInvalid.__name__, message=message, hint="Are both of the same release?"))


def _told(status: int, trouble: Trouble) -> JSONResponse:
    return JSONResponse(trouble.model_dump(mode="json"), status_code=status)
