"""How fast a campaign of a million shots is planned, streamed, and in how much memory. `python -m tests.bench.planning`.

Every shot is worded, becomes a recipe and gets its hash, as a worker and a forecast do; the plan is cut into chunks as a
controller does. Nothing is kept.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

from jobs import plan as planning
from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.identity import content_id
from jobs.shots import AdapterUse, Look, Plan, Sampling
from jobs.spec import GenerateAsk, Job

SHOTS, CHUNK = 1_000_000, 512
FINISH = (FinishStep(colour=Colour(contrast=-20, saturation=-10)), FinishStep(grain=Grain()))


def large_plan() -> Plan:
    """20 looks x 5 prompts of 10 places and 10 lights x 100 seeds."""
    looks = tuple(
        Look(
            label=f"brand {number}",
            adapters=(AdapterUse(digest=content_id("bench/1", number), strength=0.9),),
            trigger=f"brnd{number}",
            class_name="sock",
            finish=FINISH,
        )
        for number in range(20)
    )
    return Plan(
        base=content_id("bench/1", "base"),
        looks=looks,
        prompts=tuple(f"a photo of a {{trigger}} {{class}} on a {{place}}, {{light}}, view {n}" for n in range(5)),
        variables={"place": tuple(f"place {n}" for n in range(10)), "light": tuple(f"light {n}" for n in range(10))},
        negative="plastic skin, oversaturated",
        sizes=((1024, 1024),),
        seeds=tuple(range(1, 101)),
        sampling=Sampling(steps=30),
    )


def timed(work: Callable[[], int]) -> tuple[int, float]:
    """What the work counted, and its CPU seconds."""
    began = time.process_time()
    return work(), time.process_time() - began


def chunks(plan: Plan) -> int:
    """The chunks of the plan as jobs with their ids; their number."""
    digest = planning.plan_digest(plan)
    asks = (
        GenerateAsk(plan=digest, start=start, stop=min(start + CHUNK, plan.count))
        for start in range(0, plan.count, CHUNK)
    )
    return len({Job(ask=ask).id for ask in asks})


def main() -> None:
    """Print the figures."""
    plan = large_plan()
    assert plan.count == SHOTS, f"{plan.count} shots"
    cut, cut_seconds = timed(lambda: chunks(plan))
    print(f"{cut} chunks of {CHUNK} cut and named                          {cut_seconds:6.2f} CPU s")
    hashed, seconds = timed(lambda: sum(len(shot.recipe.hash) == 64 for shot in plan.shots()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{hashed} shots worded, resolved and hashed, streamed      {seconds:6.1f} CPU s, {peak:.0f} MiB at most")


if __name__ == "__main__":
    main()
