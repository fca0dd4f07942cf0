"""Who steps together: the fullest bucket, unless somebody else has waited long; padded to sizes that change only with membership."""

from __future__ import annotations

import pytest

from jobs.training.company import PATIENCE_ROUNDS, Bucket, Candidate, Company, choose, padded

SQUARE, WIDE = Bucket(4, (8, 16, 16), (24, 96)), Bucket(4, (8, 8, 32), (24, 96))


def waiting(slot: int, bucket: Bucket = SQUARE, last_round: int = 0, is_waiting: bool = True) -> Candidate:
    return Candidate(slot, bucket, last_round, is_waiting)


def test_nobody_waiting_is_nobody_chosen() -> None:
    assert choose([], 0) is None
    assert choose([waiting(0, is_waiting=False)], 0) is None


def test_the_fullest_bucket_goes_first() -> None:
    candidates = [waiting(0, WIDE), waiting(1), waiting(2)]
    assert choose(candidates, 1) == Company((1, 2), 2, SQUARE)


def test_who_has_waited_long_goes_before_the_fullest_bucket() -> None:
    now = PATIENCE_ROUNDS + 1
    candidates = [waiting(0, WIDE, last_round=0), waiting(1, last_round=now), waiting(2, last_round=now)]
    assert choose(candidates, now) == Company((0,), 1, WIDE)
    assert choose(candidates, now - 1) == Company((1, 2), 2, SQUARE)


def test_of_more_than_eight_those_who_waited_longest_are_seated() -> None:
    candidates = [waiting(slot, last_round=1 if slot < 3 else 0) for slot in range(11)]
    assert choose(candidates, 2) == Company(tuple(range(3, 11)), 8, SQUARE)


def test_a_project_that_is_done_but_not_released_still_holds_the_shape() -> None:
    candidates = [waiting(0), waiting(1), waiting(2, is_waiting=False)]
    assert choose(candidates, 1) == Company((0, 1), 4, SQUARE)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (20, 8)])
def test_the_padded_sizes_are_one_two_four_eight(count: int, size: int) -> None:
    assert padded(count) == size


def test_everybody_gets_steps_in_the_long_run() -> None:
    last = dict.fromkeys(range(12), 0)
    steps = dict.fromkeys(range(12), 0)
    for now in range(60):
        chosen = choose([waiting(slot, WIDE if slot < 2 else SQUARE, last[slot]) for slot in last], now)
        assert chosen is not None
        for slot in chosen.slots:
            last[slot], steps[slot] = now + 1, steps[slot] + 1
    assert min(steps.values()) >= 10
