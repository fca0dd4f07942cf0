"""A look that combines brands: every adapter at its strength on each image, words and finish of the first."""

from __future__ import annotations

from dataclasses import replace

from jobs.shots import AdapterUse
from operators.decision import StartCampaign
from operators.observed import Brand, ObservedCampaign
from operators.reconcile import reconcile
from tests.builders import digest
from tests.operators.sights import BASE, campaign_seen, planned, ready_brand

NOIR = {"brand": "film-noir", "strength": 0.4}
COMBINED = planned(looks=[{"brand": "stable-socks", "with": [NOIR]}])


def serving(name: str, uid: str, base: str = BASE) -> Brand:
    """A brand of that name whose v1 serves."""
    one = ready_brand(uid, name=name)
    first = one.versions[0]
    assert first.trained is not None
    trained = first.trained.model_copy(update={"adapter": digest(f"adapter of {name}")})
    record = first.record.model_copy(update={"base": base})
    return replace(one, versions=(replace(first, record=record, trained=trained),))


def started_with(seen: ObservedCampaign) -> StartCampaign:
    (action,) = reconcile(seen).actions
    assert isinstance(action, StartCampaign)
    return action


def test_every_adapter_is_on_each_image_at_its_strength() -> None:
    own = {"brand": "stable-socks", "strength": 0.9, "with": [NOIR]}
    seen = campaign_seen(planned(looks=[own]), serving("stable-socks", "uid-1"), serving("film-noir", "uid-2"))
    start = started_with(seen)
    (look,) = start.plan.looks
    assert look.adapters == (
        AdapterUse(digest=digest("adapter of stable-socks"), strength=0.9),
        AdapterUse(digest=digest("adapter of film-noir"), strength=0.4),
    )
    assert look.label == "stable-socks v1 at 0.9 + film-noir v1 at 0.4"
    assert (look.trigger, look.project) == ("stblsx", "default/stable-socks")
    assert start.plan.shot(0).recipe.adapters == look.adapters
    assert start.record.looks[0]["label"] == look.label


def test_it_waits_for_the_brand_that_does_not_serve_yet() -> None:
    seen = campaign_seen(COMBINED, serving("stable-socks", "uid-1"))
    decision = reconcile(seen)
    assert decision.actions == ()
    assert decision.status.reason == "BrandNotFound"
    assert "film-noir" in (decision.status.message or "")


def test_adapters_of_different_bases_cannot_share_an_image() -> None:
    other = serving("film-noir", "uid-2", base=digest("another base"))
    seen = campaign_seen(COMBINED, serving("stable-socks", "uid-1"), other)
    decision = reconcile(seen)
    assert (decision.actions, decision.status.phase, decision.status.reason) == ((), "Refused", "BasesDiffer")
    assert "film-noir v1 at 0.4" in (decision.status.message or "")
