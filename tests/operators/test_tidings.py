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
from tests.operators.sights import approval, declared, leased, seen, told, version


def said(sight: ObservedProject) -> BrandProjectStatus:
    status = reconcile(sight).status
    assert isinstance(status, BrandProjectStatus)
    return status


def reasons(*told: Tiding) -> list[tuple[str, str]]:
    return [(one.kind, one.reason) for one in told]


PROJECT = declared()
TAKEN_IN, IN_TRAINING = said(seen(PROJECT)), version(PROJECT, trained=False)
WAITS = said(seen(PROJECT, IN_TRAINING))
TRAINS = said(seen(PROJECT, IN_TRAINING, report=told((IN_TRAINING.job, leased(30, 300)))))
FURTHER = said(seen(PROJECT, IN_TRAINING, report=told((IN_TRAINING.job, leased(60, 300)))))
JUDGED = said(seen(PROJECT, version(PROJECT)))
SERVES = said(seen(PROJECT, version(PROJECT), words=(approval(),)))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, said(seen(PROJECT, taken_in=False)), []),
        (None, TAKEN_IN, ["DatasetReady"]),
        (TAKEN_IN, WAITS, ["VersionDeclared"]),
        (WAITS, TRAINS, ["TrainingStarted"]),
        (TRAINS, FURTHER, []),
        (TRAINS, JUDGED, ["Trained", "AwaitingApproval"]),
        (JUDGED, SERVES, ["Serving"]),
        (SERVES, SERVES, []),
        (None, SERVES, ["DatasetReady", "VersionDeclared", "Trained", "Serving"]),
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
    assert between(None, refused) == expected
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
