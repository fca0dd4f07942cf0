"""Planning: from a manifest and what is known to jobs whose ids are content."""

from __future__ import annotations

from typing import Any

from jobs import manifests, plan
from jobs.manifests import BrandProject, Campaign
from jobs.ports import SourceFile
from jobs.records import CampaignRecord, RerunRecord
from jobs.shots import Plan
from jobs.spec import GenerateAsk, IntakeAsk, TrainAsk
from tests import builders
from tests.builders import NOON, digest


def project(**spec: Any) -> BrandProject:
    parsed = manifests.parse(builders.kept(builders.project(**spec)))
    assert isinstance(parsed, BrandProject)
    return parsed


def campaign(**spec: Any) -> Campaign:
    parsed = manifests.parse(builders.kept(builders.campaign(**spec)))
    assert isinstance(parsed, Campaign)
    return parsed


def record(count: int, chunk: int) -> CampaignRecord:
    return CampaignRecord(uid="uid-9", plan=digest("plan"), count=count, chunk=chunk, looks=[], created=NOON)


def test_a_listing_is_the_same_in_any_order_and_another_with_other_bytes() -> None:
    one, two = SourceFile("a.png", 10, "x"), SourceFile("b.png", 20, "y")
    assert plan.listing_digest([one, two]) == plan.listing_digest([two, one])
    assert plan.listing_digest([one, two]) != plan.listing_digest([one, SourceFile("b.png", 20, "z")])


def test_an_intake_is_asked_by_what_decides_its_dataset() -> None:
    job = plan.intake_job(project(), digest("listing"))
    assert job.ask == IntakeAsk(
        source=f"upload://{digest('stable-socks')}", listing=digest("listing"), trigger="stblsx", min_images=8
    )
    assert (job.hints.project, job.placement.queue) == ("default/stable-socks", "default")


def test_a_training_is_asked_from_the_versions_record_alone() -> None:
    version = plan.new_version(project(), 3, digest("dataset"), digest("base"), NOON)
    job = plan.train_job(project(recipe={"steps": 999}, placement={"priority": "high"}), version)
    assert isinstance(job.ask, TrainAsk)
    assert (job.id, job.ask.recipe.steps) == (version.asked, 300)
    assert (job.hints.version, job.hints.samples.every, job.hints.samples.seeds) == ("v3", 100, (7,))
    assert (job.placement.base, job.placement.priority) == (digest("base"), "high")


def test_a_renamed_copy_asks_for_the_same_training() -> None:
    asked = [
        plan.new_version(project(name=name), 1, digest("dataset"), digest("base"), NOON).asked
        for name in ("stable-socks", "stable-socks-copy")
    ]
    assert asked[0] == asked[1]


def test_a_sheet_shows_the_base_and_the_version_at_the_same_words_seeds_and_finish() -> None:
    brand = project(finish=[{"grain": {"power": 0.2}}])
    version = plan.new_version(brand, 1, digest("dataset"), digest("base"), NOON)
    sheet = plan.sheet_plan(brand, version, digest("adapter"))
    alone, taught = sheet.looks
    assert (alone.label, alone.adapters) == ("base", ())
    assert [use.digest for use in taught.adapters] == [digest("adapter")]
    assert alone.finish == taught.finish == brand.spec.finish
    assert (sheet.count, sheet.sizes, sheet.keep_raw) == (8, ((64, 64),), True)
    half = sheet.count // 2
    for index in range(half):
        base, version_shot = sheet.shot(index).recipe, sheet.shot(index + half).recipe
        assert (base.prompt, base.seed) == (version_shot.prompt, version_shot.seed)


def test_the_chunks_of_a_campaign_cover_its_frozen_order_once() -> None:
    jobs = plan.campaign_jobs(campaign(), record(count=40, chunk=16), digest("base"))
    asks = [job.ask for job in jobs if isinstance(job.ask, GenerateAsk)]
    assert [(ask.start, ask.stop) for ask in asks] == [(0, 16), (16, 32), (32, 40)]
    assert len({job.id for job in jobs}) == 3
    again = plan.campaign_jobs(campaign(), record(count=40, chunk=16), digest("base"))
    assert [job.id for job in again] == [job.id for job in jobs]


def test_a_plan_is_read_back_as_it_was_kept() -> None:
    look = plan.look(
        project(), plan.new_version(project(), 1, digest("d"), digest("base"), NOON), digest("adapter"), 0.9
    )
    drawn = plan.campaign_plan(campaign(), digest("base"), [look])
    read = Plan.model_validate_json(plan.plan_json(drawn))
    assert (read, plan.plan_digest(read)) == (drawn, plan.plan_digest(drawn))
    assert read.shot(19).recipe.hash == drawn.shot(19).recipe.hash


def test_a_deadline_is_the_next_time_that_a_utc_clock_shows_it() -> None:
    due = campaign(placement={"deadline": "06:30"})
    (job, *_) = plan.campaign_jobs(due, record(20, 16), digest("base"))
    assert job.placement.deadline == NOON + 22.5 * 3600  # noon of the builders is 08:00
    assert plan.next_time_of_day("08:30", NOON) == NOON + 1800
    assert plan.next_time_of_day("08:00", NOON) == NOON + 24 * 3600


def test_a_rerun_asks_for_the_chunks_that_it_names_again_and_changes_no_other_id() -> None:
    jobs = plan.campaign_jobs(campaign(), record(40, 16), digest("base"))
    reruns = [
        RerunRecord(uid="uid-9", number=number, ranges=ranges, by="lead", created=NOON)
        for number, ranges in ((1, [(16, 32)]), (2, [(16, 40)]))
    ]
    first, second, third = plan.chains(jobs, reruns)
    assert first == (jobs[0],)
    assert [job.ask for job in second] == [
        GenerateAsk(plan=digest("plan"), start=16, stop=32, rerun=number) for number in (0, 1, 2)
    ]
    assert [job.ask.rerun for job in third] == [0, 2]  # type: ignore[union-attr]
    assert second[1].placement == jobs[1].placement
    assert len({job.id for job in (*first, *second, *third)}) == 6


def test_the_id_of_a_chunk_is_what_it_was_before_there_were_reruns() -> None:
    assert GenerateAsk(plan="p", start=0, stop=16).model_dump(mode="json") == {
        "kind": "generate",
        "plan": "p",
        "start": 0,
        "stop": 16,
    }
