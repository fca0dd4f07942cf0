"""A generator draws what is missing, records it once, and its successor goes on wherever it was killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.errors import Corrupt, FarmError, RecipeInvalid, StoreUnavailable
from jobs.figures import Tally
from jobs.finishing import png
from jobs.generation import metadata, verify
from jobs.generation.generator import Generator
from jobs.generation.renderer import Renderer
from jobs.generation.reports import ChunkFailed, ChunkFinished, Report, ShotsDone
from jobs.ports import ObjectStore
from jobs.records import ChunkRecord, ImageRecord
from jobs.shots import AdapterUse, Look, Plan
from jobs.spec import GenerateAsk, Job
from tests.jobs.generation.given import FINISH, HandClock, job, kept_adapter, plan, store_in, tiny

BATCH = 4
Make = Callable[[ObjectStore], Generator]


class Killed(BaseException):
    """The process dies here; nothing may catch it."""


class FailingStore(FolderStore):
    """The same folder, whose `nth` write from now on (1 is the next) and all after it end in `error`."""

    def __init__(self, store: FolderStore, nth: int, error: BaseException) -> None:
        super().__init__(store.root)
        self._left = nth
        self._error = error
        self._lock = threading.Lock()

    def mend(self) -> None:
        self._left = 1_000_000

    def put(self, key: str, data: bytes) -> None:
        self._count()
        super().put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._count()
        return super().create(key, data)

    def _count(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                raise self._error


@pytest.fixture
def make() -> Iterator[Make]:
    """Generators on the tiny base, in batches of 4; each leaves the base as it was."""
    made: list[Generator] = []

    def generator(store: ObjectStore) -> Generator:
        made.append(Generator(tiny(), store, BATCH, slots=BATCH, clock=HandClock()))
        return made[-1]

    yield generator
    for each in made:
        each.close()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The recipe hashes of all images drawn, in order, while the test runs."""
    hashes: list[str] = []
    real = Renderer.draw

    def draw(self: Renderer, recipes: list) -> object:  # type: ignore[type-arg]
        hashes.extend(recipe.hash for recipe in recipes)
        return real(self, recipes)

    monkeypatch.setattr(Renderer, "draw", draw)
    return hashes


def worked(generator: Generator) -> list[Report]:
    reports: list[Report] = []
    while not generator.is_idle():
        reports.extend(generator.turn())
    return reports


def chunk_record(store: ObjectStore, of: Job) -> ChunkRecord:
    body = publish.read(store, of.record_key)
    assert body is not None
    return ChunkRecord.model_validate(body)


def image_record(store: ObjectStore, recipe_hash: str) -> ImageRecord:
    body = publish.read(store, keys.image(recipe_hash))
    assert body is not None
    return ImageRecord.model_validate(body)


def hashes(of: Plan) -> list[str]:
    return [shot.recipe.hash for shot in of.shots()]


def brand(store: ObjectStore, seed: int = 1, label: str = "v1") -> Look:
    return Look(label=label, adapters=(AdapterUse(digest=kept_adapter(store, seed), strength=0.8),), finish=FINISH)


def test_a_chunk_ends_in_a_record_after_every_image(tmp_path: Path, make: Make, drawn: list[str]) -> None:
    store = store_in(tmp_path)
    of = plan(Look(label="base"), brand(store), seeds=3, prompts=1)
    asked = job(store, of)
    generator = make(store)
    generator.admit(asked, attempt=1)
    reports = worked(generator)
    assert drawn == hashes(of)  # in the frozen order
    assert reports[-1] == ChunkFinished(asked.id, 1, asked.record_key)
    assert [report.done for report in reports if isinstance(report, ShotsDone)][-1] == of.count
    record = chunk_record(store, asked)
    assert (record.drawn, record.reused, record.failures, record.start, record.stop) == (6, 0, [], 0, 6)
    assert record.made["numerics"] == image_record(store, drawn[0]).numerics
    assert all(blobs.exists(store, image_record(store, name).digest) for name in drawn)


def test_a_png_holds_its_recipe_and_the_bytes_are_what_a_lone_render_gives(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    of = plan(brand(store), Look(label="base"), seeds=3)
    generator = make(store)
    generator.admit(job(store, of), attempt=1)
    worked(generator)
    renderer = Renderer(tiny(), store, BATCH, slots=1)
    for shot in (of.shot(1), of.shot(7)):
        record = image_record(store, shot.recipe.hash)
        file = blobs.get(store, record.digest)
        assert metadata.recipe_of(png.read_text(file)) == shot.recipe
        assert verify.verify(store, renderer, shot.recipe.hash) == verify.Verdict(shot.recipe.hash, True, True, 0)
    renderer.close()


def test_verify_tells_an_image_that_its_recipe_does_not_make(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    honest, other = plan(seeds=1, prompts=1).shot(0).recipe, plan(brand(store), seeds=1, prompts=1).shot(0).recipe
    renderer = Renderer(tiny(), store, BATCH, slots=1)
    file = png.encode_png(renderer.render(other), metadata.texts(honest))
    body = ImageRecord(
        recipe_hash=honest.hash, recipe=honest, digest=blobs.put(store, file), size=len(file), numerics="x"
    )
    publish.record(store, keys.image(honest.hash), body.model_dump(mode="json"))
    verdict = verify.verify(store, renderer, honest.hash)
    renderer.close()
    assert (verdict.has_same_bytes, verdict.has_same_class) == (False, False)
    assert verdict.largest_difference > 8


def test_images_that_stand_are_not_drawn_again(tmp_path: Path, make: Make, drawn: list[str]) -> None:
    store = store_in(tmp_path)
    first, wider = plan(seeds=2), plan(seeds=4)  # another campaign, half of whose images stand
    generator = make(store)
    for of in (first, wider):
        generator.admit(job(store, of), attempt=1)
        worked(generator)
    assert sorted(drawn) == sorted(hashes(wider))
    record = chunk_record(store, job(store, wider))
    assert (record.drawn, record.reused) == (4, 4)


def test_two_campaigns_that_want_one_image_have_it_drawn_once(tmp_path: Path, make: Make, drawn: list[str]) -> None:
    store = store_in(tmp_path)
    first, second = job(store, plan(seeds=2)), job(store, plan(seeds=3))
    generator = make(store)
    generator.admit(first, attempt=1)
    generator.admit(second, attempt=1)
    worked(generator)
    assert len(drawn) == len(set(drawn)) == 6
    assert (chunk_record(store, first).drawn, chunk_record(store, first).reused) == (4, 0)
    assert (chunk_record(store, second).drawn, chunk_record(store, second).reused) == (2, 4)


def test_what_a_released_chunk_wanted_is_still_drawn_for_its_neighbour(
    tmp_path: Path, make: Make, drawn: list[str]
) -> None:
    store = store_in(tmp_path)
    first, second = job(store, plan(seeds=2)), job(store, plan(seeds=3))
    generator = make(store)
    generator.admit(first, attempt=1)
    generator.admit(second, attempt=1)
    generator.release(first.id)
    worked(generator)
    assert sorted(drawn) == sorted(hashes(plan(seeds=3)))
    assert chunk_record(store, second).drawn == 6
    assert not store.exists(first.record_key)


def test_a_chunk_released_half_way_leaves_nothing_to_do(tmp_path: Path, make: Make, drawn: list[str]) -> None:
    store = store_in(tmp_path)
    asked = job(store, plan(seeds=4))
    generator = make(store)
    generator.admit(asked, attempt=1)
    generator.turn()
    generator.release(asked.id)
    assert generator.is_idle()
    assert generator.chunks == 0
    assert len(drawn) == BATCH


def test_shots_of_a_chunk_that_are_alike_are_drawn_once_and_counted_each(
    tmp_path: Path, make: Make, drawn: list[str]
) -> None:
    store = store_in(tmp_path)
    asked = job(store, plan(Look(label="base"), Look(label="base again")))
    generator = make(store)
    generator.admit(asked, attempt=1)
    worked(generator)
    assert len(drawn) == 4
    assert (chunk_record(store, asked).drawn, chunk_record(store, asked).reused) == (4, 4)


@pytest.mark.parametrize("nth", [1, 2, 8, 9, 13])
def test_a_successor_goes_on_where_a_killed_generator_stopped(
    tmp_path: Path, make: Make, drawn: list[str], nth: int
) -> None:
    store = store_in(tmp_path)
    of = plan(seeds=3)  # 6 images, each a blob and a record, then the chunk's record: 13 writes
    asked = job(store, of)
    doomed = make(FailingStore(store, nth, Killed()))
    doomed.admit(asked, attempt=1)
    with pytest.raises(Killed):
        worked(doomed)
    doomed.close()  # what its threads had begun ends as it would in a process that dies a moment later
    standing = {name for name in hashes(of) if store.exists(keys.image(name))}
    assert not store.exists(asked.record_key)
    drawn.clear()
    successor = make(store)
    successor.admit(asked, attempt=2)
    assert worked(successor)[-1] == ChunkFinished(asked.id, 2, asked.record_key)
    assert sorted(drawn) == sorted(set(hashes(of)) - standing)
    assert (chunk_record(store, asked).drawn, chunk_record(store, asked).reused) == (6 - len(standing), len(standing))


@pytest.mark.parametrize("nth", [1, 4, 13])
def test_a_store_that_goes_away_costs_nothing_once_it_is_back(
    tmp_path: Path, make: Make, drawn: list[str], nth: int
) -> None:
    inner = store_in(tmp_path)
    of = plan(seeds=3)
    asked = job(inner, of)
    store = FailingStore(inner, nth, StoreUnavailable("The store is away."))
    generator = make(store)
    generator.admit(asked, attempt=1)
    with pytest.raises(StoreUnavailable):
        worked(generator)
    with pytest.raises(StoreUnavailable):
        worked(generator)
    store.mend()
    assert worked(generator)[-1] == ChunkFinished(asked.id, 1, asked.record_key)
    assert sorted(drawn) == sorted(hashes(of))  # nothing was drawn twice
    assert chunk_record(inner, asked).drawn == 6


def test_a_shot_that_cannot_be_drawn_is_recorded_and_the_rest_goes_on(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    torn, gone = blobs.put(store, b"torn"), "0" * 64
    looks = [
        Look(label=name, adapters=(AdapterUse(digest=digest),)) for name, digest in (("torn", torn), ("gone", gone))
    ]
    asked, neighbour = job(store, plan(looks[0], brand(store), looks[1], seeds=1)), job(store, plan(seeds=3))
    generator = make(store)
    generator.admit(asked, attempt=1)
    generator.admit(neighbour, attempt=1)
    worked(generator)
    record = chunk_record(store, asked)
    assert (record.drawn, record.reused) == (2, 0)
    assert [(failure.index, failure.reason) for failure in record.failures] == [
        (0, "Corrupt"),
        (1, "Corrupt"),
        (4, "KeyNotFound"),
        (5, "KeyNotFound"),
    ]
    assert "safetensors" in record.failures[0].message
    assert chunk_record(store, neighbour).failures == []


def test_an_adapter_out_of_reach_is_no_failure_of_the_shot(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    of = plan(brand(store), seeds=2, prompts=1)
    generator = make(store)
    generator.admit(job(store, of), attempt=1)
    with monkeypatch.context() as broken:
        broken.setattr(store, "get", _away)
        with pytest.raises(StoreUnavailable):
            generator.turn()
    worked(generator)
    assert chunk_record(store, job(store, of)).drawn == 2


def test_a_sheet_records_raw_and_finished_from_one_denoise(tmp_path: Path, make: Make, drawn: list[str]) -> None:
    store = store_in(tmp_path)
    of = plan(brand(store), Look(label="base"), seeds=2, prompts=1, keep_raw=True)
    generator = make(store)
    generator.admit(job(store, of), attempt=1)
    worked(generator)
    assert drawn == hashes(of)
    finished, raw = of.shot(0).recipe, of.shot(0).recipe.raw()
    renderer = Renderer(tiny(), store, BATCH, slots=1)
    assert verify.verify(store, renderer, raw.hash).has_same_bytes
    assert verify.verify(store, renderer, finished.hash).has_same_bytes
    renderer.close()
    assert image_record(store, raw.hash).digest != image_record(store, finished.hash).digest


def test_a_raw_image_is_made_up_for_where_only_the_finished_one_stands(
    tmp_path: Path, make: Make, drawn: list[str]
) -> None:
    store = store_in(tmp_path)
    plain = plan(brand(store), seeds=2, prompts=1)
    sheet = plain.model_copy(update={"keep_raw": True})
    generator = make(store)
    for of in (plain, sheet, sheet):
        generator.admit(job(store, of), attempt=1)
        worked(generator)
    assert drawn == hashes(plain) * 2
    assert store.exists(keys.image(plain.shot(0).recipe.raw().hash))


def test_a_chunk_whose_images_all_stand_is_recorded_without_drawing(
    tmp_path: Path, make: Make, drawn: list[str]
) -> None:
    store = store_in(tmp_path)
    of = plan(seeds=2)
    whole, half = job(store, of), job(store, of, 0, 2)
    generator = make(store)
    for asked in (whole, half):
        generator.admit(asked, attempt=1)
        reports = worked(generator)
    assert len(drawn) == 4
    assert reports == [ShotsDone(half.id, 1, 2, 2, 2, 0), ChunkFinished(half.id, 1, half.record_key)]


def test_the_first_record_of_a_chunk_stays(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    asked = job(store, plan(seeds=1))
    generator = make(store)
    for attempt in (1, 2):
        generator.admit(asked, attempt)
        assert isinstance(worked(generator)[-1], ChunkFinished)
    assert chunk_record(store, asked).drawn == 2


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"base": "f" * 64}, RecipeInvalid, "wants base"),
        ({}, RecipeInvalid, "shots 0 to 99"),
        (None, Corrupt, "no plan"),
    ],
)
def test_a_plan_that_cannot_be_drawn_here_is_refused(
    tmp_path: Path, make: Make, change: dict[str, str] | None, error: type[FarmError], says: str
) -> None:
    store = store_in(tmp_path)
    if change is None:
        asked = Job(ask=GenerateAsk(plan=blobs.put(store, b'{"base": 1}'), start=0, stop=1))
    else:
        asked = job(store, plan().model_copy(update=change), stop=1 if change else 99)
    generator = make(store)
    with pytest.raises(error, match=says) as refused:
        generator.admit(asked, attempt=1)
    assert refused.value.hint
    assert generator.is_idle()


def test_a_prompt_that_is_too_long_to_be_heard_is_said_aloud_once(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    endless = "a photo of a red sock" + " and a blue mug" * 8
    of = plan(seeds=3).model_copy(update={"prompts": ("a photo of a red sock", endless)})
    (problem,) = make(store).admit(job(store, of), attempt=1)
    assert "is cut at 24 tokens" in problem


def test_news_held_back_by_a_store_that_is_away_are_not_told_of_a_released_chunk(tmp_path: Path, make: Make) -> None:
    inner = store_in(tmp_path)
    small, large = job(inner, plan(seeds=1, prompts=1)), job(inner, plan(seeds=4, prompts=2))
    store = FailingStore(inner, 3, StoreUnavailable("The store is away."))  # the second image's blob
    generator = make(store)
    generator.admit(small, attempt=1)
    generator.admit(large, attempt=1)
    with pytest.raises(StoreUnavailable):
        worked(generator)
    generator.release(small.id)
    store.mend()
    assert {report.job for report in worked(generator)} == {large.id}


def test_a_batch_too_large_for_the_device_fails_its_chunks_for_another_try(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Renderer, recipes: object) -> object:
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    store = store_in(tmp_path)
    asked = job(store, plan())
    generator = make(store)
    generator.admit(asked, attempt=3)
    monkeypatch.setattr(Renderer, "draw", full)
    (report,) = generator.turn()
    assert isinstance(report, ChunkFailed)
    assert (report.job, report.attempt, report.error.reason, report.error.retryable) == (
        asked.id,
        3,
        "OutOfMemory",
        True,
    )
    assert generator.is_idle()


def test_pixels_that_are_not_numbers_fail_their_shot(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Renderer.draw

    def overflowing(self: Renderer, recipes: list) -> object:  # type: ignore[type-arg]
        pictures = real(self, recipes)
        pictures[1] = np.nan
        return pictures

    store = store_in(tmp_path)
    asked = job(store, plan(seeds=2))
    generator = make(store)
    generator.admit(asked, attempt=1)
    monkeypatch.setattr(Renderer, "draw", overflowing)
    worked(generator)
    record = chunk_record(store, asked)
    assert record.drawn == 3
    assert [(failure.index, failure.reason) for failure in record.failures] == [(1, "RecipeInvalid")]


def _away(key: str) -> bytes:
    raise StoreUnavailable(f"The store is away while {key} is read.")


class TickingClock(HandClock):
    """Every look at it takes a second."""

    def monotonic(self) -> float:
        self.seconds += 1.0
        return self.seconds


def test_the_seconds_of_chunks_that_share_batches_add_up_to_the_workers_time(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    of = plan(Look(label="base"), seeds=6, prompts=1)
    jobs = [job(store, of, 0, 3), job(store, of, 3, 6)]
    generator = Generator(tiny(), store, BATCH, slots=BATCH, clock=TickingClock(), tally=Tally())
    for asked in jobs:
        generator.admit(asked, attempt=1)
    turns = 0
    while not generator.is_idle():
        generator.turn()
        turns += 1
    generator.close()
    records = [chunk_record(store, asked) for asked in jobs]
    assert sum(record.seconds for record in records) == pytest.approx(turns, abs=0.01)  # a second passes in each
    assert all(0 < record.seconds < record.elapsed for record in records)
    assert all(record.ended > 1.7e9 for record in records)
