"""The long set of faults of the work itself: `python -m tests.faults.long --seeds 5`. One line a run; 1 if any broke the promise.

Each seed kills a worker once at every place (at its hit of that number), kills workers at random over all kinds of work on
the tiny base, and kills trainings at random whose bytes must not change.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from jobs.spec import JobKind
from tests.faults.forks import Forks
from tests.faults.killing import Killing, difference, resumed, training
from tests.faults.scene import PLACES, Scene
from tests.faults.test_exact_resume import TOLERANCE

KILLS = 40
"""Of trainings on the very small base, for each seed: five seeds make two hundred."""

RANDOMLY = ";".join(f"{place}=kill%0.03" for place in sorted({place for places in PLACES.values() for place in places}))

Run = tuple[str, list[str]]
"""What was run and seen, and what was wrong with it."""


def main() -> int:
    """Every run of every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    wrong = 0
    with Forks() as forks, tempfile.TemporaryDirectory(prefix="brandfarm-faults-") as folder:
        for name, violations in runs(forks, Path(folder), seeds):
            wrong += bool(violations)
            print(f"{'BROKEN' if violations else 'kept  '}  {name}", *violations, sep="\n    ", flush=True)
    print(f"{wrong} runs broke the promise" if wrong else "the promise was kept in every run")
    return int(wrong > 0)


def runs(forks: Forks, folder: Path, seeds: int) -> Iterator[Run]:
    """All of them, one after another."""
    pattern = Scene.furnished(forks, folder / "pattern", prior=0.25)
    peace = pattern.copy(folder / "peace")
    for kind in peace.jobs:
        peace.until_done("", kind)
    for seed in range(seeds):
        for kind, places in PLACES.items():
            for place in places:
                scene = pattern.copy(folder / f"{kind}-{place}-{seed}")
                yield timed(struck(scene, peace, kind, f"{place}=kill@{seed + 1}"))
        yield timed(at_random(pattern.copy(folder / f"random-{seed}"), peace, seed))
        yield timed(exact(forks, folder / f"exact-{seed}", seed))
        yield timed(in_company(forks, folder / f"company-{seed}", seed))


def timed(run: Iterator[Run]) -> Run:
    """A run's line with its seconds; one that could not end is a violation too."""
    began = time.monotonic()
    try:
        (found,) = run
    except AssertionError as stuck:
        found = ("a run", [f"It did not end: {stuck}"])
    return f"{found[0]}, {time.monotonic() - began:.1f} s", found[1]


def struck(scene: Scene, peace: Scene, kind: JobKind, plan: str) -> Iterator[Run]:
    """A worker is killed once at one place."""
    starts = scene.until_done(plan, kind)
    kills = sum(start.was_killed for start in starts)
    yield f"{kind}: {plan}, {kills or 'not reached so often, no'} killed", _wrong(scene, peace, kind)


def at_random(scene: Scene, peace: Scene, seed: int) -> Iterator[Run]:
    """Workers are killed at random at all kinds of work, which each kind holds alone, so that its shapes are the same."""
    kills = sum(start.was_killed for kind in scene.jobs for start in scene.until_done(RANDOMLY, kind, seed=1000 * seed))
    yield f"all kinds: random kills of seed {seed}, {kills} killed", _wrong(scene, peace, *scene.jobs)


def exact(forks: Forks, folder: Path, seed: int) -> Iterator[Run]:
    """Trainings killed at random come to the bytes of trainings left in peace."""
    found = resumed(forks, folder, seed, KILLS)
    wrong = [f"{job.id} came to other bytes." for job in found.others]
    name = f"exact resume: seed {seed}, {found.killed.kills} killed over {len(found.jobs)} trainings"
    yield name, wrong + found.killed.violations(found.jobs)


def in_company(forks: Forks, folder: Path, seed: int) -> Iterator[Run]:
    """Trainings resumed in other company agree within the tolerance."""
    alone, killed = Killing(forks, folder / "alone"), Killing(forks, folder / "killed")
    jobs = [training(50_000 + 10 * seed + number) for number in range(3)]
    for job in jobs:
        alone.until_done([job], 0, plan="")
    killed.until_done(jobs, seed=seed, in_company=True)
    worst = max(difference(alone, killed, job) for job in jobs)
    wrong = [] if worst < TOLERANCE else [f"weights differ by {worst:.2g}, more than {TOLERANCE:g}"]
    yield (
        f"other company: seed {seed}, {killed.kills} killed, largest difference {worst:.1e}",
        (wrong + killed.violations(jobs)),
    )


def _wrong(scene: Scene, peace: Scene, *kinds: JobKind) -> list[str]:
    others = [] if scene.results(*kinds) == peace.results(*kinds) else ["It came to other results than without faults."]
    return others + scene.violations(*kinds)


if __name__ == "__main__":
    sys.exit(main())
