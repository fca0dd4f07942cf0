"""What is told of a manifest, from its status before and now."""

from __future__ import annotations

import pytest

from cluster.ports import Trouble
from jobs.errors import SourceUnreadable, StoreUnavailable
from jobs.manifests import BrandProjectStatus, CampaignStatus
from operators.observed import ObservedIntake, ObservedProject
from operators.reconcile import reconcile
from operators.tidings import Tiding, between
from operators.unreadable import kept_status
from tests import builders
from tests.builders import NOON
from tests.operators import test_schedule as nights
from tests.operators.sights import approval, declared, leased, seen, told, version


def said(sight: ObservedProject) -> BrandProjectStatus:
    status = reconcile(sight).status
    assert isinstance(status, BrandProjectStatus)
    return status


def reasons(*told: Tiding) -> list[tuple[str, str]]:
    return [(one.kind, one.reason) for one in told]


PROJECT = declared()
QUEUED = said(seen(PROJECT, taken_in=False))
TAKES_IN = QUEUED.model_copy(update={"reason": "Intake", "message": "Pictures are taken in: 3 of 9."})
TAKEN_IN, IN_TRAINING = said(seen(PROJECT)), version(PROJECT, trained=False)
WAITS = said(seen(PROJECT, IN_TRAINING))
TRAINS = said(seen(PROJECT, IN_TRAINING, report=told((IN_TRAINING.job, leased(30, 300)))))
FURTHER = said(seen(PROJECT, IN_TRAINING, report=told((IN_TRAINING.job, leased(60, 300)))))
JUDGED = said(seen(PROJECT, version(PROJECT)))
SERVES = said(seen(PROJECT, version(PROJECT), words=(approval(),)))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, QUEUED, ["Accepted", "IntakeQueued"]),
        (BrandProjectStatus(), QUEUED, ["Accepted", "IntakeQueued"]),
        (QUEUED, QUEUED, []),
        (QUEUED, TAKES_IN, ["IntakeStarted"]),
        (TAKES_IN, TAKEN_IN, ["DatasetReady"]),
        (TAKEN_IN, WAITS, ["VersionDeclared"]),
        (WAITS, TRAINS, ["TrainingStarted"]),
        (TRAINS, FURTHER, []),
        (TRAINS, JUDGED, ["Trained", "AwaitingApproval"]),
        (JUDGED, SERVES, ["Serving"]),
        (SERVES, SERVES, []),
        (None, SERVES, ["Accepted", "DatasetReady", "VersionDeclared", "Trained", "Serving"]),
    ],
)
def test_a_brands_life(before: BrandProjectStatus | None, now: BrandProjectStatus, expected: list[str]) -> None:
    assert reasons(*between(before, now)) == [("Normal", reason) for reason in expected]


def test_what_a_slow_pace_left_out_is_told_together() -> None:
    assert [one.reason for one in between(TAKEN_IN, JUDGED)] == ["VersionDeclared", "Trained", "AwaitingApproval"]


def test_the_sentences_are_those_of_the_status() -> None:
    (trained, awaits) = between(TRAINS, JUDGED)
    assert trained.message == "v1: 300 steps, final loss 0.0412."
    assert awaits.message == JUDGED.message


def test_a_brand_that_loses_its_approval_is_a_warning() -> None:
    assert reasons(*between(SERVES, JUDGED))[-1] == ("Warning", "ServesNoMore")


def test_a_refused_dataset_is_told_with_its_sentence_once() -> None:
    trouble = Trouble(reason="SourceUnreadable", message="It lies nowhere.", hint="Upload it again.")
    refused = said(seen(PROJECT, taken_in=False, intake=ObservedIntake(trouble=trouble)))
    expected = (Tiding("Warning", "DatasetRefused", "It lies nowhere. Upload it again."),)
    assert between(None, refused)[1:] == expected
    assert between(refused, refused) == ()


def test_a_failed_training_is_a_warning_of_its_own_reason() -> None:
    failed = said(seen(PROJECT, IN_TRAINING, report=told((IN_TRAINING.job, builders.failed()))))
    assert reasons(*between(TRAINS, failed)) == [("Warning", "Diverged")]


def test_a_store_that_is_away_is_no_manifests_tiding() -> None:
    document = builders.kept(builders.project()) | {"status": SERVES.model_dump(mode="json", by_alias=True)}
    away = kept_status(document, StoreUnavailable("The store does not answer."), NOON)
    assert between(SERVES, away) == ()
    odd = kept_status(document, SourceUnreadable("It is no listing."), NOON)
    assert reasons(*between(SERVES, odd)) == [("Warning", "SourceUnreadable")]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, ("Waiting", "AwaitingApproval"), [("Normal", "AwaitingApproval")]),
        (("Waiting", "AwaitingApproval"), ("Waiting", "AwaitingApproval"), []),
        (("Waiting", "AwaitingApproval"), ("Generating", "Starting"), [("Normal", "CampaignStarted")]),
        (("Generating", "Starting"), ("Generating", "Queued"), []),
        (("Generating", "Generating"), ("Complete", "Complete"), [("Normal", "CampaignComplete")]),
        (None, ("Complete", "Complete"), [("Normal", "CampaignStarted"), ("Normal", "CampaignComplete")]),
        (("Generating", "Generating"), ("Cancelled", "Cancelled"), [("Normal", "CampaignCancelled")]),
        (("Generating", "Generating"), ("Failed", "StoppedOnFailures"), [("Warning", "CampaignFailed")]),
        (("Waiting", "BrandNotFound"), ("Refused", "BasesDiffer"), [("Warning", "CampaignRefused")]),
    ],
)
def test_a_campaigns_life(
    before: tuple[str, str] | None, now: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    assert reasons(*between(before and of_campaign(*before), of_campaign(*now))) == expected


def of_campaign(phase: str, reason: str) -> CampaignStatus:
    return CampaignStatus(phase=phase, reason=reason, message="As it is.")


LAST, BEGINS = "spring-20261120t0130", "spring-20261121t0130"
EARLY = nights.status_of(nights.seen(nights.nightly(), nights.TONIGHT - 60, nights.night()))
AT_NIGHT = nights.status_of(nights.seen(nights.nightly(), nights.TONIGHT, nights.night()))
HELD_UP = nights.status_of(nights.seen(nights.nightly(), nights.TONIGHT, nights.night(phase="Generating")))
TOO_LATE = nights.TONIGHT + 5 * nights.HOUR
IN_THE_MORNING = nights.status_of(nights.seen(nights.nightly(), TOO_LATE, nights.night("11-21T01:30")))
FAILED = nights.status_of(nights.seen(nights.nightly(), TOO_LATE, nights.night("11-21T01:30", "Failed", "0/20")))
MISSED = nights.status_of(nights.seen(nights.nightly(), TOO_LATE, nights.night()))
FORBIDDEN = nights.status_of(nights.seen(nights.nightly(), TOO_LATE, nights.night(phase="Generating")))
SUSPENDED = nights.status_of(nights.seen(nights.nightly(suspend=True), TOO_LATE, nights.night()))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, AT_NIGHT, [("Normal", "NightBegan"), ("Normal", "NightEnded")]),
        (EARLY, AT_NIGHT, [("Normal", "NightBegan")]),
        (AT_NIGHT, AT_NIGHT, []),
        (AT_NIGHT, IN_THE_MORNING, [("Normal", "NightEnded")]),
        (AT_NIGHT, FAILED, [("Warning", "NightFailed")]),
        (EARLY, HELD_UP, [("Normal", "NightBegan"), ("Normal", "NightWaits")]),
        (HELD_UP, FORBIDDEN, [("Warning", "NightSkipped")]),
        (EARLY, MISSED, [("Warning", "NightSkipped")]),
        (MISSED, MISSED, []),
        (EARLY, SUSPENDED, [("Normal", "NightSkipped"), ("Normal", "Suspended")]),
        (SUSPENDED, EARLY, [("Normal", "NightEnded"), ("Normal", "Scheduled")]),
    ],
)
def test_a_schedules_life(before: CampaignStatus | None, now: CampaignStatus, expected: list[tuple[str, str]]) -> None:
    assert reasons(*between(before, now)) == expected


def test_the_nights_are_told_by_their_names() -> None:
    assert [one.message for one in between(EARLY, AT_NIGHT)] == [f"{BEGINS} begins."]
    assert [one.message for one in between(AT_NIGHT, IN_THE_MORNING)] == [f"{BEGINS}: Complete, 20/20 images."]
    (waits,) = [one for one in between(EARLY, HELD_UP) if one.reason == "NightWaits"]
    assert f"{BEGINS} waits until {LAST} is over." in waits.message
    (missed,) = between(EARLY, MISSED)
    assert missed.message.startswith(f"{BEGINS}: Nothing could begin it before")
