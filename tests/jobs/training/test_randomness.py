"""Every choice is a function of (seed, step), every picture has its turn, every batch covers the timesteps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import torch

from jobs.training.randomness import Choices, Deck, choices

DECK = Deck(batch=4, pictures=7, priors=5, prior_share=0.25, blank_share=0.1, timesteps=1000, shape=(2, 3, 3))


def bits(chosen: Choices) -> list[object]:
    return [value.tolist() for value in vars(chosen).values()]


def test_the_same_seed_and_step_choose_the_same_and_others_choose_otherwise() -> None:
    first = choices(7, 12, DECK)
    torch.manual_seed(99)
    assert bits(choices(7, 12, DECK)) == bits(first)
    for other in (choices(8, 12, DECK), choices(7, 13, DECK)):
        assert not torch.equal(other.noise, first.noise)
        assert not torch.equal(other.timesteps, first.timesteps)
    assert not torch.equal(first.noise, first.jitter)


def test_every_picture_comes_once_before_any_comes_again() -> None:
    drawn = [choices(7, step, DECK) for step in range(21)]
    own = [int(index) for each in drawn for index in each.pictures[~each.is_prior]]
    assert all(set(own[turn : turn + 7]) == set(range(7)) for turn in range(0, len(own), 7))
    assert len({tuple(own[turn : turn + 7]) for turn in range(0, len(own), 7)}) > 5


def test_the_share_of_priors_is_kept_exactly_also_where_it_is_no_whole_number() -> None:
    one_in_four = [int(choices(7, step, DECK).is_prior.sum()) for step in range(8)]
    alone = replace(DECK, batch=1, prior_share=0.3)
    spread = [int(choices(7, step, alone).is_prior.sum()) for step in range(10)]
    assert one_in_four == [1] * 8
    assert (sum(spread), max(spread)) == (3, 1)
    assert not any(choices(7, step, replace(DECK, prior_share=0.0, priors=0)).is_prior.any() for step in range(5))


def test_each_batch_has_a_timestep_in_each_stratum_in_random_order() -> None:
    rows = [choices(7, step, DECK).timesteps.tolist() for step in range(50)]
    assert all(sorted(t // 250 for t in row) == [0, 1, 2, 3] for row in rows)
    assert len({tuple(t // 250 for t in row) for row in rows}) > 10


def test_captions_are_dropped_at_the_recipes_rate() -> None:
    dropped = Counter(bool(blank) for step in range(500) for blank in choices(7, step, DECK).is_blank)
    assert 0.08 < dropped[True] / 2000 < 0.12
