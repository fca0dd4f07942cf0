"""A farm's whole life on a real cluster, from the first `kubectl apply` to `helm uninstall`. These tests follow one another:
each finds the farm as the one before it left it."""

from __future__ import annotations

import json
import threading
from io import BytesIO

import pytest
from PIL import Image

from jobs import blobs, keys, publish
from jobs.records import CampaignRecord, ImageRecord
from jobs.shots import Plan
from tests.whole import faults, work
from tests.whole.onlooker import Onlooker
from tests.whole.site import STUDIO, Site, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(1800)]

KILLS = 20


def test_two_brands_and_a_campaign_by_kubectl_alone_while_the_controller_is_killed_again_and_again(site: Site) -> None:
    work.bring_pictures(site)
    work.keep_every_writing(site)
    seen = Onlooker(site)
    for brand in work.BRANDS:
        site.kubectl("apply", document=work.example(brand))
    killing = threading.Thread(target=lambda: _kill_controllers(site))
    with seen.watching():
        killing.start()
        for brand in work.BRANDS:
            site.wait(f"brandproject/{brand}", "Trained", 900)
        me = json.loads(site.kubectl("auth", "whoami", "--output=json"))["status"]["userInfo"]["username"]
        for brand in work.BRANDS:
            site.kubectl("create", document=work.review(brand, "v1", me))
            site.wait(f"brandproject/{brand}", "Ready", 300)
        site.kubectl("apply", document=work.campaign_of_both())
        site.kubectl("apply", document=work.campaign("meanwhile", list(work.BRANDS), 8))
        site.wait("campaign/spring-nightly", "Complete", 900)
        killing.join()
        site.wait("campaign/meanwhile", "Complete", 900)
    assert site.status("campaign", "spring-nightly")["shots"]["made"] == 80
    assert (_pictures(site, "spring-nightly"), _pictures(site, "meanwhile")) == (80, 80)
    assert seen.looks > KILLS
    assert seen.broken_promises() == []


def test_the_same_farm_by_the_cli(site: Site) -> None:
    site.brandfarm("sheet", "stable-socks", "--to", "sheet", "-n", STUDIO)
    sheet = site.folder / "sheet"
    assert (sheet / "index.html").exists()
    assert len(list(sheet.rglob("*.png"))) >= 12
    site.brandfarm("campaign", "pull", "spring-nightly", "-n", STUDIO, "--to", "pulled")
    assert len(list((site.folder / "pulled").rglob("*.png"))) == 80
    site.brandfarm("doctor")
    assert "Succeeded" in site.helm("test", "brandfarm")


def test_nights_begin_by_the_clock_and_go_with_their_schedule(site: Site) -> None:
    site.kubectl("apply", document=work.every_minute("minutely", ["harbour-mugs"]))
    night = until("a night is complete", lambda: _complete_night(site), 480)
    site.kubectl("patch", "campaign", "minutely", "--type=merge", '--patch={"spec":{"schedule":{"suspend":true}}}')
    assert _pictures(site, night) == 10
    until("its story is told", lambda: "NightBegan" in _events(site, "campaign/minutely"), 240)
    site.kubectl("wait", "campaign/minutely", "--for=jsonpath={.status.phase}=Suspended", "--timeout=300s")
    site.kubectl("delete", "campaign", "minutely")
    until("its nights are gone too", lambda: not _nights(site), 300)


def test_a_farm_whose_parts_are_lost_one_after_another_keeps_its_word(site: Site) -> None:
    seen = Onlooker(site)
    with seen.watching():
        site.brandfarm(
            "apply", "-f", work.with_pictures_beside(site, "night-socks", "stable-socks", 150, 11), "-n", STUDIO
        )
        site.kubectl("apply", document=work.campaign("after-training", ["night-socks"], 4))
        for name, strike in faults.ALL.items():
            site.kubectl("apply", document=work.campaign(name, list(work.BRANDS), 8, start=work.seed_of(name)))
            until(f"{name} is at work", lambda name=name: _made(site, name), 600)
            strike(site)
        for campaign in (*faults.ALL, "after-training"):
            site.wait(f"campaign/{campaign}", "Complete", 900)
    assert seen.looks > len(faults.ALL)
    assert seen.broken_promises() == []
    assert [_pictures(site, name) for name in faults.ALL] == [80] * len(faults.ALL)
    first = site.brandfarm("logs", "night-socks", "--attempt", "1", "-n", STUDIO)
    assert "attempt=1" in first, "what a training told outlives its pod"


def test_what_grew_with_the_work_is_given_back(site: Site) -> None:
    assert until("one worker is left", lambda: len(site.pods(faults.WORKER)) == 1, 600)


def test_an_upgrade_and_a_removal_keep_the_brands(site: Site) -> None:
    before = {brand: site.manifest("brandproject", brand) for brand in work.BRANDS}
    changed = ("--set", "controller.chunk=32", "--set", "ray.head.podAnnotations.because=upgrade")
    site.install("--force-conflicts", *changed)  # Ray's autoscaler wrote the workers' replicas
    site.until_ready()
    site.kubectl("apply", document=work.campaign("upgraded", ["stable-socks"], 2, start=7_000))
    site.wait("campaign/upgraded", "Complete", 900)
    site.helm("uninstall", "brandfarm", "--wait")
    for brand, was in before.items():
        now = site.manifest("brandproject", brand)
        assert (now["metadata"]["uid"], now["spec"]) == (was["metadata"]["uid"], was["spec"])
        assert now["status"]["versions"] == was["status"]["versions"]
    site.install()
    site.until_ready()
    site.kubectl("apply", document=work.campaign("removed", ["harbour-mugs"], 2, start=8_000))
    site.wait("campaign/removed", "Complete", 900)
    assert Onlooker(site).broken_promises() == []


def _kill_controllers(site: Site) -> None:
    """In turn the process alone, which its pod starts again, and the pod too."""
    for number in range(KILLS):
        (faults.lose_controller if number % 2 else faults.kill_controller)(site)


def _events(site: Site, what: str) -> str:
    """What describe tells of them; what a controller was about to tell when it was killed is never told."""
    return site.kubectl("describe", what).partition("Events:")[2]


def _nights(site: Site) -> list[str]:
    told = json.loads(site.kubectl("get", "campaigns", "--output=json"))["items"]
    owned = [one["metadata"] for one in told if "ownerReferences" in one["metadata"]]
    return [one["name"] for one in owned if one["ownerReferences"][0]["name"] == "minutely"]


def _complete_night(site: Site) -> str | None:
    return next((one for one in _nights(site) if site.status("campaign", one).get("phase") == "Complete"), None)


def _made(site: Site, campaign: str) -> int:
    return int(site.status("campaign", campaign).get("shots", {}).get("made", 0))


def _pictures(site: Site, campaign: str) -> int:
    """How many different pictures a campaign has in the store, each opened."""
    body = publish.read(site.store, keys.campaign(site.manifest("campaign", campaign)["metadata"]["uid"]))
    plan = Plan.model_validate(blobs.get_json(site.store, CampaignRecord.model_validate(body).plan))
    found = set()
    for shot in plan.shots():
        record = ImageRecord.model_validate(publish.read(site.store, keys.image(shot.recipe.hash)))
        with Image.open(BytesIO(blobs.get(site.store, record.digest))) as picture:
            picture.load()
        found.add(record.digest)
    return len(found)
