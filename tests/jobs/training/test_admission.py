"""What a trainer takes, what it refuses and why, and what it tells of each step."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import FarmError, OutOfMemory, RecipeInvalid
from jobs.spec import Job, Samples, TrainAsk
from jobs.training.trainer import Trainer
from tests.jobs.training.given import dataset, job, recipe, run, small_base, store_in, trainer


@pytest.fixture
def one(tmp_path: Path) -> Trainer:
    return trainer(store_in(tmp_path), slots=2)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("steps", 0),
        ("rank", 0),
        ("batch", 0),
        ("alpha", 0.0),
        ("gradient_clip", 0.0),
        ("prior", 1.0),
        ("learning_rate", -1.0),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused_by_its_field(one: Trainer, setting: str, value: float) -> None:
    with pytest.raises(RecipeInvalid, match=setting) as refused:
        one.admit(job("a", **{setting: value}), 1, dataset())
    assert f"recipe.{setting}" in refused.value.hint
    assert one.free_rows == 2


def test_a_target_set_that_is_unknown_is_refused_and_leaves_no_trace(one: Trainer) -> None:
    with pytest.raises(RecipeInvalid, match="target set"):
        one.admit(job("a", targets="everything"), 1, dataset())
    one.admit(job("b"), 1, dataset())
    assert len(one.jobs) == 1


def test_prior_pictures_that_are_wanted_and_missing_are_refused(one: Trainer) -> None:
    with pytest.raises(RecipeInvalid, match="prior pictures"):
        one.admit(job("a", prior=0.25), 1, dataset(priors=0))
    one.admit(job("a", prior=0.0), 1, dataset(priors=0))
    assert [report.step for report in one.step()] == [1]


def test_a_training_on_another_base_is_refused(one: Trainer) -> None:
    ask = TrainAsk(dataset="a", base="0" * 64, trigger="stblsx", recipe=recipe())
    with pytest.raises(RecipeInvalid, match="base"):
        one.admit(Job(ask=ask), 1, dataset())


def test_when_all_rows_are_taken_the_next_may_try_again_later(one: Trainer) -> None:
    for name in "ab":
        one.admit(job(name), 1, dataset())
    with pytest.raises(OutOfMemory) as refused:
        one.admit(job("c"), 1, dataset())
    assert refused.value.retryable
    one.release(job("a").id)
    one.release(job("a").id)
    one.admit(job("c"), 1, dataset())
    assert one.jobs == [job("b").id, job("c").id]


def test_a_report_says_what_is_due(one: Trainer) -> None:
    samples = Samples(every=2, prompts=("a stblsx sock",), seeds=(7,))
    asked = job("a", samples=samples, checkpoint_every=3, steps=5)
    one.admit(asked, 1, dataset())
    reports = [report for step in run(one, 6) for report in step]
    assert [report.step for report in reports] == [1, 2, 3, 4, 5]
    assert [report.step for report in reports if report.sample_is_due] == [2, 4, 5]
    assert [report.step for report in reports if report.checkpoint_is_due] == [3, 5]
    assert [report.step for report in reports if report.is_finished] == [5]
    assert one.is_idle()


def test_without_prompts_no_sample_is_ever_due(one: Trainer) -> None:
    one.admit(job("a", samples=Samples(every=1), steps=3), 1, dataset())
    assert not any(report.sample_is_due for step in run(one, 3) for report in step)


def test_after_the_last_release_the_unet_is_as_it_was(tmp_path: Path) -> None:
    base = small_base()
    one = trainer(store_in(tmp_path), base)
    one.admit(job("a"), 1, dataset())
    one.step()
    one.release(job("a").id)
    assert not any(module._forward_hooks for module in base.unet.modules())
    assert one.step() == []


def test_the_device_running_out_of_memory_is_told_as_such(one: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    one.admit(job("a"), 1, dataset())

    def full(*given: object, **named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(one._base.unet, "forward", full)
    with pytest.raises(FarmError, match="did not fit") as told:
        one.step()
    assert told.value.retryable
    assert one.project(job("a").id).step == 0
