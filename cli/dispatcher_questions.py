"""What a person asks a farm's dispatcher: the same questions, however it is reached. Knows no manifest and no store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from cluster.client import DispatcherClient
from cluster.ports import CancelOrder, JobReport, Summary
from jobs.errors import NotFound

Answer = TypeVar("Answer")


class DispatcherQuestions(ABC):
    """The questions; a farm says how one is put."""

    @abstractmethod
    def ask_dispatcher(self, question: Callable[[DispatcherClient], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to a question. Raises FarmDown, DispatcherUnavailable."""

    def summary(self) -> Summary:
        """Workers and queue. Raises FarmDown where none runs, DispatcherUnavailable where it does not answer or may not be asked."""
        return self.ask_dispatcher(lambda dispatcher: dispatcher.summary())

    def standing(self, uid: str) -> dict[str, JobReport]:
        """Where each job of a manifest stands, by id."""
        try:
            return self.ask_dispatcher(lambda dispatcher: dispatcher.owner(uid)).states
        except NotFound:
            return {}

    def job(self, job: str) -> JobReport:
        """Where a job stands and who wants it. Raises NotFound."""
        return self.ask_dispatcher(lambda dispatcher: dispatcher.job(job))

    def why(self, job: str) -> str:
        """Why a job stands where it does. Raises NotFound."""
        return self.ask_dispatcher(lambda dispatcher: dispatcher.why(job))

    def cancel(self, jobs: Sequence[str], by: str, reason: str) -> list[JobReport]:
        """End jobs until they are retried; how each then stands."""
        order = CancelOrder(by=by, reason=reason)
        return self.ask_dispatcher(lambda dispatcher: _each(jobs, lambda job: dispatcher.cancel(job, order)))

    def retry(self, jobs: Sequence[str]) -> list[JobReport]:
        """Grant failed jobs new attempts; how each then stands."""
        return self.ask_dispatcher(lambda dispatcher: _each(jobs, dispatcher.retry))


async def _each(jobs: Sequence[str], deed: Callable[[str], Coroutine[Any, Any, JobReport]]) -> list[JobReport]:
    """A deed on each job in turn; one that nobody wants any more is passed over."""
    told = []
    for job in jobs:
        with suppress(NotFound):
            told.append(await deed(job))
    return told
