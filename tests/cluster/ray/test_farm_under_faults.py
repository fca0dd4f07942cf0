"""Whatever single thing dies, freezes or comes back: every wanted job ends in one record, and no step is done twice."""

from __future__ import annotations

import itertools

import pytest

from cluster.ray_fleet import PREFIX
from jobs.spec import GenerateAsk, Job, TrainAsk, TrainRecipe
from tests.cluster.ray.farm import Farm, freeze, kill, thaw
from tests.cluster.ray.nodes import until
from tests.fakes.workbench import Point, arm, made

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]  # the first may build MinIO

numbers = itertools.count(1)


def training(steps: int = 8) -> Job:
    """A training that no other test has asked for."""
    return Job(
        ask=TrainAsk(dataset="d" * 64, base="b", trigger="t", recipe=TrainRecipe(seed=next(numbers), steps=steps))
    )


def chunk(shots: int = 8) -> Job:
    start = 1000 * next(numbers)
    return Job(ask=GenerateAsk(plan="p" * 64, start=start, stop=start + shots))


def holders(farm: Farm, jobs: list[Job]) -> set[str]:
    """The workers that hold them, once each is held."""

    def look() -> set[str] | None:
        found = {farm.report(job).worker for job in jobs}
        return None if "" in found else found

    return until("all are under way", look)


def attempts_by_step(farm: Farm, job: Job) -> list[list[int]]:
    return [attempts for _, attempts in sorted(made(farm.store, job.id).items())]


def test_a_worker_lives_on_every_node_with_cpus_and_none_on_the_head(farm):
    wanted = {f"{PREFIX}{node[:8]}-0" for node, cpus in farm.cluster.nodes.items() if cpus}
    assert len(wanted) == 2
    assert farm.until_manned().keys() == wanted


def test_work_is_spread_and_every_job_ends_in_one_record(farm):
    farm.until_manned()
    jobs = [training(50), training(50), chunk(50), chunk(50)]
    farm.want("spread", *jobs)
    assert len(holders(farm, jobs)) == 2
    farm.check(*jobs)


@pytest.mark.parametrize("ask", [training, chunk], ids=["training", "chunk"])
def test_a_worker_killed_in_the_middle_of_a_step_repeats_none_that_was_kept(farm, ask):
    jobs = [ask(), ask()]
    arm(farm.store, jobs[0].id, Point.MID_STEP)
    farm.want(f"mid-step-{ask.__name__}", *jobs)
    farm.check(*jobs)
    assert farm.report(jobs[0]).attempt == 2
    steps = attempts_by_step(farm, jobs[0])
    assert steps == [[1]] * steps.count([1]) + [[2]] * steps.count([2])
    assert steps.count([1]) >= 1


def test_a_worker_killed_between_blob_and_record_only_records(farm):
    job = training()
    arm(farm.store, job.id, Point.BEFORE_RECORD)
    farm.want("before-record", job)
    farm.check(job)
    assert attempts_by_step(farm, job) == [[1]] * 8
    assert farm.report(job).attempt == 2


def test_a_killed_worker_comes_back_as_another_process_on_the_same_node(farm):
    before = farm.until_manned()
    name, pid = next(iter(before.items()))
    kill(pid)
    until("it is another process", lambda: farm.workers().get(name, pid) != pid)
    job = training()
    farm.want("after-the-kill", job)
    farm.check(job)


def test_workers_work_on_while_no_dispatcher_lives_and_the_next_one_adopts_their_work(farm):
    farm.until_manned()
    jobs = [training(60), chunk(60), chunk(60), chunk(60)]  # a worker takes two chunks, so that both work
    epoch = farm.want("orphans", *jobs).epoch
    for job in jobs:
        farm.until_at_step(job, 2)
    assert len(holders(farm, jobs)) == 2
    farm.dispatcher.kill()
    farm.dispatcher.wait()
    before = [len(made(farm.store, job.id)) for job in jobs]
    until(
        "every job went on",
        lambda: all(len(made(farm.store, job.id)) >= 3 + was for job, was in zip(jobs, before, strict=True)),
    )
    farm.restart_dispatcher()
    assert farm.want("orphans", *jobs).epoch == epoch + 1
    farm.check(*jobs)
    assert all(attempts_by_step(farm, job) == [[1]] * 60 for job in jobs)
    worker = next(iter(farm.workers()))
    assert "stale" in farm.cluster.ask("greet", farm.namespace, worker, epoch)


def test_a_dispatcher_that_was_frozen_and_replaced_leaves_when_it_wakes(farm):
    farm.until_manned()
    jobs = [training(60), chunk(60)]
    farm.want("two-in-charge", *jobs)
    for job in jobs:
        farm.until_at_step(job, 2)
    old = farm.dispatcher
    freeze(old.pid)
    farm.restart_dispatcher()
    thaw(old.pid)
    assert old.wait(timeout=120) == 1
    farm.check(*jobs)
    assert all(attempts_by_step(farm, job) == [[1]] * 60 for job in jobs)


def test_a_node_that_joins_gets_a_worker_and_one_that_is_lost_loses_its_work_to_others(farm):
    farm.until_manned()
    node = farm.cluster.ask("join")
    newcomer = f"{PREFIX}{node[:8]}-0"
    until("it has a worker", lambda: farm.has_room(newcomer))
    jobs = [training(80) for _ in range(3)]
    farm.want("three-nodes", *jobs)
    (job,) = until("it works", lambda: [job for job in jobs if farm.report(job).worker == newcomer])
    farm.until_at_step(job, 2)
    farm.cluster.ask("lose", node)
    farm.check(*jobs)
    assert farm.report(job).attempt == 2
    assert newcomer not in {worker.name for worker in farm.summary().workers}
    steps = attempts_by_step(farm, job)
    assert steps == [[1]] * steps.count([1]) + [[2]] * steps.count([2])


def test_what_two_owners_want_is_done_once_and_goes_on_for_the_one_who_stays(farm):
    job = training(20)
    farm.want("first", job)
    farm.want("second", job)
    farm.until_at_step(job, 2)
    farm.want("first")
    farm.check(job)
    assert attempts_by_step(farm, job) == [[1]] * 20


def test_what_nobody_wants_any_more_is_stopped(farm):
    job = training(100)
    farm.want("whim", job)
    farm.until_at_step(job, 2)
    farm.want("whim")
    until("no worker holds it", lambda: not any(worker.jobs for worker in farm.summary().workers))
    done = len(made(farm.store, job.id))
    assert done < 100
    assert not farm.store.exists(job.record_key)


def test_a_worker_frozen_beyond_its_lease_does_no_harm_when_it_wakes(farm):
    pids = farm.until_manned()
    job = training(60)
    farm.want("frozen", job)
    first = farm.until_at_step(job, 2)
    freeze(pids[first.worker])
    second = until("it is leased again", lambda: report if (report := farm.report(job)).attempt == 2 else None)
    thaw(pids[first.worker])
    assert second.worker != first.worker
    farm.check(job)
    until("it answers again", lambda: all(worker.alive for worker in farm.summary().workers))
    other = chunk()
    farm.want("frozen", job, other)
    farm.check(job, other)
