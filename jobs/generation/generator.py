"""Draws the shots of several chunks together, one batch a turn, and records each image, then each chunk.

What stands in the store is never drawn again, so a generator that died is followed by one that goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from pydantic import ValidationError

from jobs import blobs, failpoints, keys, publish
from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.errors import Corrupt, FarmError, OutOfMemory, RecipeInvalid
from jobs.figures import Figure, Tally
from jobs.generation import numerics
from jobs.generation.batches import Pool, Waiting
from jobs.generation.chunks import Chunk, Outputs
from jobs.generation.outbox import Delivery, Outbox, Parcel
from jobs.generation.renderer import Renderer
from jobs.generation.reports import ChunkFailed, ChunkFinished, Report
from jobs.identity import AskedId
from jobs.ports import Clock, ObjectStore
from jobs.shots import Plan
from jobs.spec import GenerateAsk, Job

WRITERS = 4
BATCHES_UNDER_WAY = 2
"""Batches whose images may still be encoded and kept while the next is drawn."""


class Generator:
    """Generation on one resident base. Called from one thread.

    `batch_size` images are drawn at a time, always; `slots` different sets of adapters stay resident.
    """

    def __init__(
        self, base: Base, store: ObjectStore, batch_size: int, slots: int, clock: Clock, tally: Tally | None = None
    ) -> None:
        self._base = base
        self._batch_size = batch_size
        self._tally = tally or Tally(clock.monotonic)
        self._store = store
        self._clock = clock
        self._renderer = Renderer(base, store, batch_size, slots)
        self._pool = Pool(batch_size, slots)
        self._threads = ThreadPoolExecutor(WRITERS, thread_name_prefix="writer")
        self._made = numerics.made(base, batch_size)
        self._outbox = Outbox(store, self._made, self._threads, BATCHES_UNDER_WAY * batch_size, self._tally)
        self._chunks: dict[AskedId, Chunk] = {}
        self._owners: dict[Outputs, AskedId] = {}  # the chunk that has each image drawn, until it is settled
        self._reports: list[Report] = []

    @property
    def chunks(self) -> int:
        """How many chunks it holds."""
        return len(self._chunks)

    def is_idle(self) -> bool:
        """Whether a turn would do nothing."""
        return not self._chunks and not self._reports

    def admit(self, job: Job, attempt: int) -> list[str]:
        """Take a chunk: read its plan and find out which of its images stand already.

        Returns what the text encoder will not hear of its prompts, to be said aloud.
        Raises Corrupt, KeyNotFound or RecipeInvalid where the plan cannot be drawn here, StoreUnavailable.
        """
        assert isinstance(job.ask, GenerateAsk), f"a generator cannot do a job of kind {job.kind}"
        chunk = Chunk(job.id, attempt, job.ask, self._plan(job.ask), self._clock.monotonic())
        missing = self._missing(chunk)
        failpoints.reach("chunk.before-admission")
        self._chunks[chunk.id] = chunk
        self._pool.add(self._to_draw(chunk, missing))
        prompts = dict.fromkeys(shot.recipe.prompt for shot in missing)
        return [problem for prompt in prompts for problem in conditioning.text_problems(self._base, prompt)]

    def release(self, job: AskedId) -> None:
        """Let go of a chunk; its images that stand are kept, and what its neighbours also want is still drawn."""
        if self._chunks.pop(job, None) is None:
            return
        self._reports = [report for report in self._reports if report.job != job]
        self._pool.drop(job)
        orphans = [key for key, owner in self._owners.items() if owner == job]
        for key in orphans:
            if not self._outbox.holds(key):  # what is under way is drawn already
                self._hand_over(key)

    def turn(self) -> list[Report]:
        """Draw one batch and tell what came to an end, which may be of earlier batches.

        Raises StoreUnavailable while the store is away: nothing is lost, and a later turn goes on.
        """
        began = self._clock.monotonic()
        self._outbox.try_again()
        batch = self._pool.next_batch()
        if batch:
            self._draw(batch)
            failpoints.reach("chunk.after-batch")
        collected = self._outbox.collect(all_of_them=not batch)
        for delivery in collected.deliveries:
            self._settle(delivery)
        if collected.trouble is not None:
            raise collected.trouble
        self._charge([shot.chunk for shot in batch] or list(self._chunks), self._clock.monotonic() - began)
        self._finish_chunks()
        reports, self._reports = self._reports, []
        return reports

    def close(self) -> None:
        """Wait for the images that are under way, let the threads go, and leave the base as it was found."""
        self._threads.shutdown(wait=True)
        self._renderer.close()

    # Admission

    def _plan(self, ask: GenerateAsk) -> Plan:
        try:
            plan = Plan.model_validate_json(blobs.get(self._store, ask.plan))
        except ValidationError as error:
            raise Corrupt(
                f"The blob {ask.plan[:12]}... is no plan: {error.error_count()} fields are wrong.",
                hint="It was written by another release; let the controller plan the campaign again.",
            ) from error
        if plan.base != self._base.digest:
            raise RecipeInvalid(
                f"The plan wants base {plan.base[:12]}..., and this worker holds {self._base.digest[:12]}...",
                hint="Lease its chunks to a worker that holds that base.",
            )
        if not 0 <= ask.start < ask.stop <= plan.count:
            raise RecipeInvalid(
                f"The chunk asks for shots {ask.start} to {ask.stop} of a plan of {plan.count}.",
                hint="Cut the chunks from the plan's own count.",
            )
        return plan

    def _missing(self, chunk: Chunk) -> list[Waiting]:
        """The shots of a chunk whose images do not all stand, each noted as waiting; the others are counted."""
        shots = list(chunk.shots())
        wanted = list(dict.fromkeys(output.hash for shot in shots for output in chunk.outputs(shot.recipe)))
        found = self._threads.map(lambda hash_: self._store.exists(keys.image(hash_)), wanted)
        standing = {hash_ for hash_, stands in zip(wanted, found, strict=True) if stands}
        missing = []
        for shot in shots:
            key = chunk.key(shot.recipe)
            if standing.issuperset(key):
                chunk.reused += 1
                continue
            chunk.waiting.setdefault(key, []).append(shot.index)
            missing.append(Waiting(chunk.id, shot.index, shot.recipe))
        return missing

    def _to_draw(self, chunk: Chunk, missing: list[Waiting]) -> list[Waiting]:
        """Those of the missing shots that nobody else has drawn yet or is about to draw."""
        mine = []
        for shot in missing:
            key = chunk.key(shot.recipe)
            if key not in self._owners:
                self._owners[key] = chunk.id
                mine.append(shot)
        return mine

    def _hand_over(self, key: Outputs) -> None:
        """Give an image whose chunk left to the next chunk that wants it, or forget it."""
        del self._owners[key]
        heir = next((chunk for chunk in self._chunks.values() if key in chunk.waiting), None)
        if heir is not None:
            index = heir.waiting[key][0]
            self._owners[key] = heir.id
            self._pool.put_back([Waiting(heir.id, index, heir.plan.shot(index).recipe)])

    # One batch

    def _draw(self, batch: list[Waiting]) -> None:
        try:
            failpoints.reach("chunk.before-batch")
            ready = self._prepared(batch)
            pictures = list(self._renderer.draw([shot.recipe for shot in ready])) if ready else []
        except FarmError:
            self._pool.put_back(shot for shot in batch if self._still_wanted(shot))
            raise
        except torch.OutOfMemoryError as error:
            self._fail_chunks(batch, _out_of_memory(error))
            return
        self._count(len(ready))
        for shot, pixels in zip(ready, pictures, strict=True):
            wanted = self._chunks[shot.chunk].outputs(shot.recipe)
            self._outbox.send(Parcel(tuple(self._renderer.finished(pixels, wanted))))

    def _count(self, drawn: int) -> None:
        if drawn:
            self._tally.add(Figure.BATCHES)
            self._tally.add(Figure.IMAGES, drawn)
            self._tally.add(Figure.PADDED_IMAGES, self._batch_size - drawn)

    def _charge(self, chunks: Sequence[AskedId], seconds: float) -> None:
        """Share a turn's time among the chunks of its shots, so that the seconds of all records add up to the worker's."""
        for job in chunks:
            if job in self._chunks:
                self._chunks[job].seconds += seconds / len(chunks)

    def _prepared(self, batch: list[Waiting]) -> list[Waiting]:
        """The shots that can be drawn; those that never can are settled as failures."""
        ready = []
        beside = [shot.recipe for shot in batch]
        for shot in batch:
            try:
                self._renderer.prepare(shot.recipe, beside)
                ready.append(shot)
            except FarmError as error:
                if error.retryable:
                    raise
                self._settle(Delivery(self._chunks[shot.chunk].key(shot.recipe), error))
        return ready

    def _still_wanted(self, shot: Waiting) -> bool:
        return self._chunks[shot.chunk].key(shot.recipe) in self._owners

    def _fail_chunks(self, batch: Sequence[Waiting], error: FarmError) -> None:
        for job in dict.fromkeys(shot.chunk for shot in batch):
            attempt = self._chunks[job].attempt
            self.release(job)
            self._reports.append(ChunkFailed(job, attempt, error))

    # What came of it

    def _settle(self, delivery: Delivery) -> None:
        owner = self._owners.pop(delivery.key, None)
        for chunk in self._chunks.values():
            chunk.settle(delivery.key, drew=chunk.id == owner, error=delivery.error)

    def _finish_chunks(self) -> None:
        self._reports.extend(news for chunk in self._chunks.values() if (news := chunk.news()))
        for chunk in [chunk for chunk in self._chunks.values() if not chunk.waiting]:
            self._reports.append(self._finished(chunk))
            del self._chunks[chunk.id]

    def _finished(self, chunk: Chunk) -> Report:
        record = chunk.record(self._made, self._clock.monotonic(), self._clock.now())
        try:
            failpoints.reach("chunk.before-record")
            publish.record(self._store, keys.chunk(chunk.id), record.model_dump(mode="json"))
            failpoints.reach("chunk.after-record")
        except FarmError as error:
            if error.retryable:
                raise
            return ChunkFailed(chunk.id, chunk.attempt, error)
        return ChunkFinished(chunk.id, chunk.attempt, keys.chunk(chunk.id))


def _out_of_memory(error: torch.OutOfMemoryError) -> OutOfMemory:
    return OutOfMemory(
        f"A batch of images did not fit into the device's memory: {str(error).splitlines()[0]}",
        hint="Set a smaller batch size for this worker's class; its images then belong to another numerics class.",
    )
