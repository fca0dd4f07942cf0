"""Who steps together: the fullest bucket, unless somebody else has waited long; who came first sits, and leaves first."""

from __future__ import annotations

import pytest

from jobs.training.company import PATIENCE_ROUNDS, Bucket, Candidate, Company, choose, padded

SQUARE, WIDE = Bucket(4, (8, 16, 16), (24, 96)), Bucket(4, (8, 8, 32), (24, 96))


def waiting(slot: int, bucket: Bucket = SQUARE, last_round: int = 0, is_waiting: bool = True) -> Candidate:
    return Candidate(slot, bucket, joined=slot, last_round=last_round, is_waiting=is_waiting)


def finished_in(steps: dict[int, int], buckets: dict[int, Bucket]) -> list[int]:
    """The round in which each project made its last step, where all joined at once in the order of their slots."""
    last, left, ended = dict.fromkeys(steps, 0), dict(steps), dict.fromkeys(steps, -1)
    for now in range(10_000):
        chosen = choose([waiting(slot, buckets[slot], last[slot], left[slot] > 0) for slot in steps], now)
        if chosen is None:
            return [ended[slot] for slot in steps]
        for slot in chosen.slots:
            last[slot], left[slot], ended[slot] = now + 1, left[slot] - 1, now
    raise AssertionError("somebody never gets a step")


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


def test_who_joins_a_bucket_does_not_make_those_who_wait_there_seem_younger() -> None:
    now = PATIENCE_ROUNDS + 1
    candidates = [waiting(0, WIDE, last_round=0), waiting(3, WIDE, last_round=now)]
    candidates += [waiting(slot, last_round=now) for slot in (4, 5, 6)]
    assert choose(candidates, now) == Company((0, 3), 2, WIDE)


def test_of_more_than_can_sit_those_who_joined_first_are_seated() -> None:
    candidates = [waiting(slot, last_round=9 - slot) for slot in range(11)]
    assert choose(candidates, 2) == Company(tuple(range(8)), 8, SQUARE)
    assert choose(candidates, 2, seats=3) == Company((0, 1, 2), 4, SQUARE)


def test_a_project_that_is_done_but_not_released_still_holds_the_shape() -> None:
    candidates = [waiting(0), waiting(1), waiting(2, is_waiting=False)]
    assert choose(candidates, 1) == Company((0, 1), 4, SQUARE)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (20, 8)])
def test_the_padded_sizes_are_one_two_four_eight(count: int, size: int) -> None:
    assert padded(count) == size


def test_everybody_is_done_in_the_end_and_the_first_early() -> None:
    steps = dict.fromkeys(range(24), 10)
    ended = finished_in(steps, dict.fromkeys(steps, SQUARE))
    assert ended == [9] * 8 + [19] * 8 + [29] * 8


def test_a_small_bucket_is_not_forgotten_beside_a_full_one() -> None:
    steps = {0: 10, **dict.fromkeys(range(1, 25), 100)}
    ended = finished_in(steps, {slot: WIDE if slot == 0 else SQUARE for slot in steps})
    assert ended[0] <= 10 * (PATIENCE_ROUNDS + 2)
