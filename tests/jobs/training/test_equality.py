"""Fused training is training alone: held to ordinary PEFT runs in float64, whoever else is in the bank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from jobs.errors import Diverged
from jobs.spec import Job
from jobs.training.prepared import PreparedDataset
from jobs.training.trainer import Trainer
from tests.jobs.training.alone import trained_alone
from tests.jobs.training.given import dataset, difference, job, run, small_base, store_in, trainer

EXACT = 1e-12


def agrees_with_alone(one: Trainer, asked: Job, start: dict[str, torch.Tensor], given: PreparedDataset) -> None:
    project = one.project(asked.id)
    alone = trained_alone(start, project.recipe, given, project.step)
    assert difference(start, alone) > 1e-2, "the oracle has not moved, so agreeing with it would show nothing"
    assert difference(one.state(asked.id), alone) < EXACT


@pytest.fixture
def one(tmp_path: Path) -> Trainer:
    return trainer(store_in(tmp_path))


def test_three_projects_of_one_recipe_are_each_as_if_alone(one: Trainer) -> None:
    jobs = [job(name, batch=2, prior=0.25) for name in "abc"]
    data = [dataset(seed) for seed in range(3)]
    for asked, given in zip(jobs, data, strict=True):
        one.admit(asked, 1, given)
    starts = [one.state(asked.id) for asked in jobs]
    reports = run(one, 30)
    assert all([report.company for report in step] == [3, 3, 3] for step in reports)
    for asked, start, given in zip(jobs, starts, data, strict=True):
        agrees_with_alone(one, asked, start, given)


def test_mixed_ranks_alphas_rates_and_lengths_with_joins_and_leaves_are_each_as_if_alone(one: Trainer) -> None:
    settings: list[dict[str, Any]] = [
        {"rank": 2, "alpha": 2.0, "steps": 36},
        {"rank": 4, "alpha": 1.0, "steps": 20, "learning_rate": 1e-2},
        {"rank": 3, "alpha": 9.0, "steps": 30, "gradient_clip": 0.05, "weight_decay": 0.2},
        {"rank": 8, "alpha": 8.0, "steps": 25, "seed": 11, "targets": "conv"},
    ]
    jobs = [job(name, **each) for name, each in zip("abcd", settings, strict=True)]
    data = [dataset(seed, pictures=3 + seed) for seed in range(4)]
    joins = {0: [0, 1], 7: [2], 12: [3]}
    starts: dict[int, dict[str, torch.Tensor]] = {}
    for step in range(45):
        for number in joins.get(step, []):
            one.admit(jobs[number], 1, data[number])
            starts[number] = one.state(jobs[number].id)
        for report in one.step():
            number = [asked.id for asked in jobs].index(report.job)
            if report.is_finished:
                agrees_with_alone(one, jobs[number], starts[number], data[number])
                one.release(report.job)
    assert one.jobs == []
    assert len(starts) == 4


def test_convolutions_are_trained_as_if_alone(one: Trainer) -> None:
    jobs = [job(name, steps=10, batch=2, targets="conv", learning_rate=1e-2) for name in "ab"]
    for seed, asked in enumerate(jobs):
        one.admit(asked, 1, dataset(seed))
    starts = [one.state(asked.id) for asked in jobs]
    run(one, 10)
    for seed, asked in enumerate(jobs):
        agrees_with_alone(one, asked, starts[seed], dataset(seed))


def test_projects_of_other_sizes_wait_their_turn_and_are_as_if_alone(one: Trainer) -> None:
    quick = {"steps": 10, "learning_rate": 1e-2}
    jobs = [job("a", **quick), job("b", **quick), job("c", batch=3, **quick), job("d", **quick)]
    data = [dataset(0), dataset(1), dataset(2), dataset(3, size=4)]
    for asked, given in zip(jobs, data, strict=True):
        one.admit(asked, 1, given)
    starts = [one.state(asked.id) for asked in jobs]
    companies = {tuple(report.job for report in step) for step in run(one, 30)}
    assert companies == {(jobs[0].id, jobs[1].id), (jobs[2].id,), (jobs[3].id,)}
    assert one.is_idle()
    for asked, start, given in zip(jobs, starts, data, strict=True):
        agrees_with_alone(one, asked, start, given)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_neighbour_that_diverges_stops_alone_and_changes_the_others_by_exactly_nothing(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    states = []
    for spoiled in (False, True):
        one = trainer(store_in(tmp_path / str(spoiled)), small_base(dtype))
        jobs = [job(name) for name in "abc"]
        for seed, asked in enumerate(jobs):
            one.admit(asked, 1, dataset(seed, spoiled=spoiled and seed == 1))
        start = one.state(jobs[1].id)
        reports = run(one, 10)
        if spoiled:
            (stopped,) = [report for step in reports for report in step if report.diverged]
            assert (stopped.job, stopped.step) == (jobs[1].id, 0)
            assert isinstance(stopped.diverged, Diverged)
            assert difference(one.state(jobs[1].id), start) == 0
        states.append([one.state(jobs[number].id) for number in (0, 2)])
    assert [difference(healthy, beside) for healthy, beside in zip(*states, strict=True)] == [0, 0]


def test_a_learning_rate_beyond_reason_ends_as_diverged_with_the_next_step_named(one: Trainer) -> None:
    asked = job("a", learning_rate=1e200, warmup_steps=0)
    one.admit(asked, 1, dataset())
    last = next(report for step in run(one, 30) for report in step if report.diverged)
    assert "not a number" in str(last.diverged)
    assert "learning_rate" in last.diverged.hint if last.diverged else False
    assert not last.checkpoint_is_due
    assert one.is_idle()
    assert all(torch.isfinite(tensor).all() for tensor in one.state(asked.id).values())


def test_padding_of_a_row_stays_zero(one: Trainer) -> None:
    small, wide = job("a", rank=2), job("b", rank=6, targets="conv")
    for seed, asked in enumerate((small, wide)):
        one.admit(asked, 1, dataset(seed))
    run(one, 15)
    bank, slot = one.rows_for(small.id)
    own = bank.layout.pack(one.state(small.id))
    assert torch.equal(bank.row(slot), own)
    moments = one._rows.moments
    for rows in (bank.weights, moments.mean, moments.square):
        assert (rows[slot][own == 0] == 0).all()
    assert (own == 0).sum() > (own != 0).sum()
    assert not bank.weights[-1].any()


@pytest.mark.parametrize("projects", [1, 2, 3, 5, 8])
def test_one_fused_step_is_one_call_of_the_unet(tmp_path: Path, projects: int) -> None:
    base = small_base()
    samples: list[int] = []
    base.unet.register_forward_hook(lambda module, given, output: samples.append(len(given[0])))
    one = trainer(store_in(tmp_path), base)
    for number in range(projects):
        one.admit(job(f"{number}", batch=2), 1, dataset(number))
    for _ in range(3):
        assert len(one.step()) == projects
    padded = {1: 1, 2: 2, 3: 4, 5: 8, 8: 8}[projects]
    assert samples == [padded * 2] * 3
