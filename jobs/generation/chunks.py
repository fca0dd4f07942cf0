"""A chunk while it is worked on: which of its shots are settled, and the record that it comes to. Pure; draws nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jobs.errors import FarmError
from jobs.generation.images import outputs
from jobs.generation.reports import ShotsDone
from jobs.identity import AskedId, Digest
from jobs.records import ChunkRecord, ShotFailure
from jobs.shots import Plan, Recipe, Shot
from jobs.spec import GenerateAsk

Outputs = tuple[Digest, ...]
"""The hashes of all images that one denoise of a shot gives; shots with the same outputs are drawn once."""

MOST_MESSAGES = 100
LONGEST_MESSAGE = 300
"""Failures beyond the first hundred keep their reason only, so that a record of 512 shots stays below 64 KiB."""


@dataclass
class Chunk:
    """The shots [start, stop) of a plan under one lease. `waiting` names the indices that wait for each outputs."""

    id: AskedId
    attempt: int
    ask: GenerateAsk
    plan: Plan
    started: float  # seconds of the clock
    waiting: dict[Outputs, list[int]] = field(default_factory=dict)
    drawn: int = 0
    reused: int = 0
    failures: list[ShotFailure] = field(default_factory=list)
    seconds: float = 0.0  # its share of the worker's time so far
    has_news: bool = True

    @property
    def total(self) -> int:
        return self.ask.stop - self.ask.start

    @property
    def done(self) -> int:
        return self.drawn + self.reused + len(self.failures)

    def shots(self) -> Iterator[Shot]:
        """The chunk's shots in their frozen order."""
        return self.plan.shots(self.ask.start, self.ask.stop)

    def outputs(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """The recipes of all images that are wanted of one shot."""
        return outputs(recipe, keep_raw=self.plan.keep_raw)

    def key(self, recipe: Recipe) -> Outputs:
        """What shots that need drawing only once have in common."""
        return tuple(output.hash for output in self.outputs(recipe))

    def settle(self, key: Outputs, *, drew: bool, error: FarmError | None = None) -> None:
        """Count the shots that waited for these images; `drew` says whether it was this chunk that had them drawn."""
        indices = self.waiting.pop(key, [])
        if not indices:
            return
        self.has_news = True
        if error is not None:
            self.failures.extend(_failure(index, error) for index in indices)
            return
        self.drawn += drew
        self.reused += len(indices) - drew

    def news(self) -> ShotsDone | None:
        """How far the chunk is, if that changed since it was last asked."""
        if not self.has_news:
            return None
        self.has_news = False
        return ShotsDone(self.id, self.attempt, self.done, self.total, self.reused, len(self.failures))

    def record(self, made: Mapping[str, str], now: float, ended: float = 0.0) -> ChunkRecord:
        """What the settled chunk came to; `now` in seconds of the clock, `ended` in seconds since 1970."""
        assert not self.waiting, f"{len(self.waiting)} images of chunk {self.id[:12]} are not settled"
        return ChunkRecord(
            made=dict(made),
            id=self.id,
            plan=self.ask.plan,
            start=self.ask.start,
            stop=self.ask.stop,
            drawn=self.drawn,
            reused=self.reused,
            failures=_small(sorted(self.failures, key=lambda failure: failure.index)),
            seconds=round(self.seconds, 3),
            elapsed=round(now - self.started, 3),
            ended=round(ended, 3),
        )


def _failure(index: int, error: FarmError) -> ShotFailure:
    return ShotFailure(index=index, reason=error.reason, message=error.message[:LONGEST_MESSAGE])


def _small(failures: list[ShotFailure]) -> list[ShotFailure]:
    spoken, silent = failures[:MOST_MESSAGES], failures[MOST_MESSAGES:]
    return [*spoken, *(failure.model_copy(update={"message": ""}) for failure in silent)]
