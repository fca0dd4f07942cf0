"""How others ask the dispatcher: the same questions as its HTTP face, as methods that raise our errors. Decides nothing."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from cluster.ports import CancelOrder, JobReport, OwnerReport, Owners, Summary, Trouble, Wake, WantedSet
from jobs import errors
from jobs.errors import DispatcherUnavailable, FarmError

KEPT_OPEN_SECONDS = 2.0
"""Less than the dispatcher keeps a silent connection (5 s), or a question would meet it just closed."""

ANSWER_SECONDS = 30.0
"""A set of ten thousand jobs takes the dispatcher about two seconds."""

TOKEN_HEADER = "X-Brandfarm-Token"
"""Carries the token where `Authorization` is taken: an API server that passes a question on keeps that header to itself."""

T = TypeVar("T", bound=BaseModel)


class DispatcherClient:
    """Asks one dispatcher. Every method raises DispatcherUnavailable where it does not answer, Unauthorized where the
    token is wrong. `is_passed_on` where the transport leads through somebody who has an `Authorization` of their own."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None, is_passed_on: bool = False
    ) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={TOKEN_HEADER: token} if is_passed_on else {"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=5.0),
            transport=transport,
            limits=httpx.Limits(keepalive_expiry=KEPT_OPEN_SECONDS),
            trust_env=False,  # the dispatcher is near; a proxy of the surroundings is not meant for it
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        """State all that an owner wants; where each of its jobs stands. Raises StaleTerm."""
        body = wanted.model_dump_json().encode()
        return _read(OwnerReport, await self._ask("PUT", f"/v1/owners/{uid}/jobs", body=body))

    async def owners(self, lease: str = "", term: int = 0) -> Owners:
        """Everyone who wants something, asked as the controller that leads by a lease. Raises StaleTerm."""
        return _read(Owners, await self._ask("GET", "/v1/owners", query={"lease": lease, "term": term}))

    async def owner(self, uid: str) -> OwnerReport:
        """Where each job of an owner stands. Raises NotFound."""
        return _read(OwnerReport, await self._ask("GET", f"/v1/owners/{uid}"))

    async def events(self, after: int, wait: float) -> Wake:
        """Returns once something has changed since a number, or after `wait` seconds, at most 60."""
        asked: dict[str, float | str] = {"after": after, "wait": wait}
        return _read(Wake, await self._ask("GET", "/v1/events", query=asked, patience=wait + ANSWER_SECONDS))

    async def summary(self) -> Summary:
        """The farm at a glance."""
        return _read(Summary, await self._ask("GET", "/v1/summary"))

    async def job(self, job: str) -> JobReport:
        """Where a job stands. Raises NotFound."""
        return _read(JobReport, await self._ask("GET", f"/v1/jobs/{job}"))

    async def why(self, job: str) -> str:
        """Why a job stands where it does, in one sentence. Raises NotFound."""
        answer = await self._ask("GET", f"/v1/jobs/{job}/why")
        return str(answer.json()["why"])

    async def retry(self, job: str) -> JobReport:
        """Grant a failed job new attempts. Raises NotFound."""
        return _read(JobReport, await self._ask("POST", f"/v1/jobs/{job}/retry"))

    async def cancel(self, job: str, order: CancelOrder) -> JobReport:
        """End a job until it is retried; what is done stays done. Raises NotFound."""
        body = order.model_dump_json().encode()
        return _read(JobReport, await self._ask("POST", f"/v1/jobs/{job}/cancel", body=body))

    async def is_ready(self) -> bool:
        """Whether the dispatcher is in charge and has looked for workers."""
        try:
            await self._ask("GET", "/readyz")
        except DispatcherUnavailable:
            return False
        return True

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: dict[str, float | str] | None = None,
        patience: float = ANSWER_SECONDS,
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            answer = await self._http.request(
                method, path, content=body, params=query, headers=headers, timeout=httpx.Timeout(patience, connect=5.0)
            )
        except httpx.HTTPError as failed:
            raise DispatcherUnavailable(
                f"The dispatcher at {self._url} does not answer: {type(failed).__name__}.",
                hint="Is the farm up? `brandfarm up` starts it; it takes a moment.",
            ) from failed
        if answer.is_success:
            return answer
        raise self._error(answer)

    def _error(self, answer: httpx.Response) -> FarmError:
        """The error that the dispatcher told; one of an unknown name, or of a proxy between us, is unavailability."""
        try:
            told = Trouble.model_validate_json(answer.content)
        except ValidationError:
            return DispatcherUnavailable(
                f"What answers at {self._url} is no dispatcher, or a broken one: status {answer.status_code}.",
                hint="Look into the dispatcher's log.",
            )
        kind = getattr(errors, told.reason, FarmError)
        if not (isinstance(kind, type) and issubclass(kind, FarmError)):
            kind = FarmError
        return kind(told.message, hint=told.hint, retryable=told.retryable)


def _read(kind: type[T], answer: httpx.Response) -> T:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as unread:
        raise DispatcherUnavailable(
            f"The dispatcher's {kind.__name__} cannot be read: {unread.error_count()} fields are not as expected.",
            hint="Are both of the same release?",
        ) from unread
