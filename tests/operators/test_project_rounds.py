"""A brand's life as a table: what was seen, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.ports import JobReport, Trouble
from jobs import plan
from jobs.manifests import PROJECT_CONDITIONS, BrandProjectStatus, Verdict
from jobs.records import SetAside
from operators.decision import Decision, KeepPlan, WriteVersion
from operators.observed import ObservedBase, ObservedIntake, ObservedProject, Word
from operators.reconcile import reconcile
from tests import builders
from tests.builders import NOON, digest
from tests.operators.sights import BASE, DATASET, approval, declared, leased, of_record, seen, told, version


def status_of(sight: ObservedProject) -> BrandProjectStatus:
    status = reconcile(sight).status
    assert isinstance(status, BrandProjectStatus)
    return status


def facts_of(sight: ObservedProject) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in status_of(sight).conditions}


def kinds(decision: Decision) -> list[str]:
    return [job.kind.value for job in decision.wanted]


def test_a_new_project_is_taken_in_first() -> None:
    sight = seen(declared(), taken_in=False)
    decision = reconcile(sight)
    assert (decision.actions, kinds(decision)) == ((), ["intake"])
    assert (status_of(sight).phase, status_of(sight).reason) == ("Intake", "Queued")


def test_a_dataset_gets_version_1_and_the_next_look_trains_it() -> None:
    project = declared()
    decision = reconcile(seen(project))
    expected = plan.new_version(project, 1, DATASET, BASE, NOON)
    assert (decision.actions, decision.wanted) == ((WriteVersion(expected),), ())
    assert decision.changes_facts
    after = reconcile(seen(project, version(project, trained=False)))
    assert (after.actions, kinds(after)) == ((), ["train"])
    assert after.wanted[0].id == expected.asked


def test_a_trained_version_gets_its_sheet_drawn() -> None:
    project = declared()
    trained = version(project, drawn=False)
    decision = reconcile(seen(project, trained))
    assert trained.sheet is not None
    assert (decision.actions, kinds(decision)) == ((KeepPlan(trained.sheet.plan),), ["generate"])
    assert not decision.changes_facts
    assert [look.label for look in trained.sheet.plan.looks] == ["base", "stable-socks v1"]
    assert (trained.sheet.plan.keep_raw, trained.sheet.plan.count) == (True, 8)


def test_once_the_sheet_stands_nothing_is_wanted_but_a_word() -> None:
    project = declared()
    sight = seen(project, version(project))
    assert reconcile(sight).wanted == ()
    status = status_of(sight)
    assert (status.phase, status.progress, status.serving, status.newest) == ("AwaitingApproval", "0/1", None, "v1")
    assert "v1 has 0 of 1 approval. Look at `brandfarm sheet stable-socks`" in (status.message or "")


def test_an_approved_version_serves() -> None:
    project = declared()
    sight = seen(project, version(project), words=(approval(),))
    status = status_of(sight)
    assert (status.phase, status.serving, status.message) == ("Ready", "v1", "v1 serves.")
    assert facts_of(sight) == {
        "DatasetReady": ("True", "TakenIn"),
        "Trained": ("True", "Trained"),
        "Approved": ("True", "Approved"),
        "Ready": ("True", "Serving"),
        "Degraded": ("False", "AsExpected"),
    }


def test_deciding_twice_on_the_same_sight_is_the_same_decision() -> None:
    project = declared()
    for sight in (seen(project, taken_in=False), seen(project), seen(project, version(project, drawn=False))):
        assert reconcile(sight) == reconcile(sight)


def test_a_declaration_is_the_same_version_whatever_a_new_release_would_resolve() -> None:
    """Another preset, or a better base under the same name, retrains nothing by itself."""
    project = declared()
    older = plan.new_version(project, 1, DATASET, digest("the base of last year"), NOON)
    resolved_otherwise = older.model_copy(update={"recipe": older.recipe.model_copy(update={"rank": 4})})
    decision = reconcile(seen(project, of_record(project, resolved_otherwise)))
    assert (decision.actions, decision.wanted) == ((), ())


def test_writing_a_default_out_is_no_new_version() -> None:
    project = declared()
    spelled_out = declared(recipe={"steps": 300, "rank": 16}, generation=2)
    assert plan.declaration(project, DATASET) != plan.declaration(spelled_out, DATASET)
    assert reconcile(seen(spelled_out, version(project))).actions == ()


@pytest.mark.parametrize(
    "edit",
    [{"judge": {"prompts": ["one stblsx sock"]}}, {"gate": {"approvals": 2}}, {"finish": [{"grain": {"power": 0.2}}]}],
)
def test_editing_judge_gate_or_finish_does_not_retrain(edit: dict[str, Any]) -> None:
    first, edited = declared(), declared(generation=2, **edit)
    kept = of_record(edited, version(first).record)
    decision = reconcile(seen(edited, kept))
    assert not any(isinstance(action, WriteVersion) for action in decision.actions)
    assert "train" not in kinds(decision)


def test_editing_the_recipe_makes_the_next_version_and_the_old_one_serves_on() -> None:
    edited = declared(recipe={"steps": 500}, generation=2)
    old = of_record(edited, version(declared()).record)
    decision = reconcile(seen(edited, old, words=(approval(),)))
    new = plan.new_version(edited, 2, DATASET, BASE, NOON)
    assert decision.actions == (WriteVersion(new),)
    at_work = seen(edited, old, of_record(edited, new, trained=False), words=(approval(),))
    status = status_of(at_work)
    assert (status.phase, status.serving, status.newest) == ("Training", "v1", "v2")
    assert facts_of(at_work)["Ready"] == ("True", "Serving")


def test_an_edit_while_a_version_trains_waits_and_is_skipped_if_it_is_edited_again() -> None:
    at_work = version(declared(), trained=False)
    for steps in (500, 600, 700):
        edited = declared(recipe={"steps": steps}, generation=2)
        decision = reconcile(seen(edited, at_work))
        assert (decision.actions, decision.wanted) == ((), (at_work.job,))
        assert (status_of(seen(edited, at_work)).message or "").endswith("A newer edit waits for it.")
    trained = of_record(edited, at_work.record)
    assert reconcile(seen(edited, trained)).actions == (WriteVersion(plan.new_version(edited, 2, DATASET, BASE, NOON)),)


def test_going_back_to_an_earlier_declaration_is_that_version_again() -> None:
    project = declared()
    second = of_record(project, version(declared(recipe={"steps": 500})).record.model_copy(update={"number": 2}))
    sight = seen(project, version(project), second, words=(approval(1), approval(2)))
    assert reconcile(sight).actions == ()
    assert status_of(sight).phase == "Ready"
    assert status_of(sight).serving == "v2"


def test_a_failed_version_keeps_its_number_and_the_next_edit_gets_the_next() -> None:
    project = declared()
    failed = version(project, trained=False)
    broken = told((failed.job, builders.failed()))
    sight = seen(project, failed, report=broken)
    assert (reconcile(sight).actions, reconcile(sight).wanted) == ((), (failed.job,))
    status = status_of(sight)
    assert (status.phase, status.reason, status.versions[0].state) == ("Failed", "Diverged", "failed")
    assert status.message == "The loss became not a number at step 40. Lower learningRate."
    assert facts_of(sight)["Trained"] == ("False", "Diverged")
    assert facts_of(sight)["Degraded"] == ("True", "Diverged")
    edited = declared(recipe={"learningRate": 0.0001}, generation=2)
    assert reconcile(seen(edited, failed, report=broken)).actions == (
        WriteVersion(plan.new_version(edited, 2, DATASET, BASE, NOON)),
    )


def test_a_failed_edit_leaves_the_old_version_serving() -> None:
    edited = declared(recipe={"steps": 500}, generation=2)
    old = of_record(edited, version(declared()).record)
    new = of_record(edited, plan.new_version(edited, 2, DATASET, BASE, NOON), trained=False)
    sight = seen(edited, old, new, words=(approval(),), report=told((new.job, builders.failed())))
    status = status_of(sight)
    assert (status.phase, status.serving, status.reason) == ("Ready", "v1", "Diverged")
    assert facts_of(sight)["Ready"] == ("True", "Serving")
    assert facts_of(sight)["Degraded"] == ("True", "Diverged")


def test_without_a_gate_the_newest_trained_version_serves() -> None:
    project = declared(gate={"approvals": 0})
    sight = seen(project, version(project), version(project, 2, drawn=False))
    assert status_of(sight).serving == "v2"
    assert facts_of(sight)["Approved"] == ("True", "NoGate")


def test_the_gate_counts_distinct_people_by_their_last_word() -> None:
    project = declared(gate={"approvals": 2})
    twice_the_same = (approval(by="ann"), approval(by="ann"))
    assert status_of(seen(project, version(project), words=twice_the_same)).progress == "1/2"
    two = (approval(by="ann"), approval(by="bob"))
    assert status_of(seen(project, version(project), words=two)).serving == "v1"
    withdrawn = (*two, Word("bob", 1, Verdict.REVISE))
    assert status_of(seen(project, version(project), words=withdrawn)).serving is None
    another_version = (approval(1, "ann"), approval(2, "bob"))
    assert status_of(seen(project, version(project), words=another_version)).serving is None


def test_serve_pins_a_version_and_never_one_that_was_not_approved() -> None:
    project = declared(serve="v1")
    both = (version(project), version(project, 2))
    assert status_of(seen(project, *both, words=(approval(1), approval(2)))).serving == "v1"
    sight = seen(project, *both, words=(approval(2),))
    assert (status_of(sight).serving, facts_of(sight)["Ready"]) == (None, ("False", "AwaitingApproval"))
    missing = seen(declared(serve="v7"), *both, words=(approval(1),))
    assert facts_of(missing)["Ready"] == ("False", "NoSuchVersion")


def test_a_rejected_version_leaves_the_old_one_serving_and_the_project_ready() -> None:
    edited = declared(recipe={"steps": 500}, generation=2)
    old = of_record(edited, version(declared()).record)
    new = of_record(edited, plan.new_version(edited, 2, DATASET, BASE, NOON))
    sight = seen(edited, old, new, words=(approval(1), Word("ann", 2, Verdict.REJECT)))
    assert (status_of(sight).phase, status_of(sight).serving) == ("Ready", "v1")
    assert [one.state for one in status_of(sight).versions] == ["approved", "rejected"]


def test_a_source_that_cannot_be_read_fails_with_its_next_step_and_cancels_no_training() -> None:
    project = declared()
    trouble = Trouble(reason="SourceUnreadable", message="./shots is no source.", hint="Run `brandfarm apply`.")
    nothing = seen(project, intake=ObservedIntake(trouble=trouble))
    assert (status_of(nothing).phase, reconcile(nothing).wanted) == ("Failed", ())
    assert status_of(nothing).message == "./shots is no source. Run `brandfarm apply`."
    training = version(project, trained=False)
    at_work = seen(project, training, intake=ObservedIntake(trouble=trouble))
    assert reconcile(at_work).wanted == (training.job,)
    assert facts_of(at_work)["Degraded"] == ("True", "SourceUnreadable")


def test_files_set_aside_are_named_with_their_reasons() -> None:
    sight = seen(declared())
    assert sight.intake.record is not None
    aside = [SetAside(name="cut.jpg", reason="broken"), SetAside(name="text.png", reason="not a picture")]
    record = sight.intake.record.model_copy(update={"set_aside_count": 5, "first_aside": aside})
    status = status_of(replace(sight, intake=replace(sight.intake, record=record)))
    ready = next(one for one in status.conditions if one.type == "DatasetReady")
    assert ready.message == "32 pictures, 5 files set aside (cut.jpg: broken; text.png: not a picture; ...)."


def test_a_failed_intake_is_told() -> None:
    sight = seen(declared(), taken_in=False)
    assert sight.intake.job is not None
    broken = builders.failed("DatasetInvalid", "3 usable pictures, and 8 are needed.")
    sight = replace(sight, report=told((sight.intake.job, broken)))
    assert (status_of(sight).phase, facts_of(sight)["DatasetReady"]) == ("Failed", ("False", "DatasetInvalid"))


def test_an_unknown_base_declares_nothing() -> None:
    trouble = Trouble(reason="BaseUnknown", message="The catalogue has no base model named 'huge'.")
    sight = seen(declared(), base=ObservedBase(trouble=trouble))
    assert (reconcile(sight).actions, status_of(sight).reason) == ((), "BaseUnknown")


def test_progress_is_told_with_its_numbers() -> None:
    project = declared()
    training = version(project, trained=False)
    at_120 = seen(project, training, report=told((training.job, leased(120, 300, loss=0.0412))))
    assert status_of(at_120).progress == "120/300"
    assert status_of(at_120).message == "v1 trains: step 120 of 300, loss 0.0412."
    queued = JobReport(state="waiting", waiting_for="No worker is free.")
    waits = seen(project, training, report=told((training.job, queued)))
    assert status_of(waits).message == "v1 waits to be trained: No worker is free."


def test_all_conditions_are_always_there_and_keep_their_time_until_they_change() -> None:
    project = declared()
    first = status_of(seen(project, version(project)))
    assert tuple(one.type for one in first.conditions) == PROJECT_CONDITIONS
    later = status_of(seen(project, version(project), words=(approval(),), status=first, now=NOON + 60))
    changed = {one.type for one in later.conditions if one.last_transition_time == "2027-01-15T08:01:00Z"}
    assert changed == {"Approved", "Ready"}


def test_a_version_keeps_the_time_at_which_it_was_first_seen_trained() -> None:
    project = declared()
    first = status_of(seen(project, version(project)))
    later = status_of(seen(project, version(project), version(project, 2), status=first, now=NOON + 60))
    assert [one.trained for one in later.versions] == ["2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z"]
    assert status_of(seen(project, version(project, trained=False))).versions[0].trained is None


def test_only_the_newest_versions_have_their_sheets_drawn() -> None:
    project = declared()
    many = [version(project, number, drawn=False) for number in range(1, 31)]
    sight = seen(project, *many, words=(approval(2),))
    names = {
        plan.looks[1].version for plan in (one.plan for one in reconcile(sight).actions if isinstance(one, KeepPlan))
    }
    assert names == {"v1", "v2", *(f"v{number}" for number in range(23, 31))}


def test_a_status_stays_small_however_many_versions_there_are() -> None:
    project = declared()
    many = [version(project, number) for number in range(1, 101)]
    status = status_of(seen(project, *many, words=(approval(2),)))
    assert [one.version for one in status.versions][:2] == ["v2", "v51"]
    assert len(status.model_dump_json(by_alias=True, exclude_none=True)) < 24_000
