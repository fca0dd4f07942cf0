"""The promise, checked after a run: the model check of the store, and what only an onlooker knows.

That is what the store's door saw being written, which versions a project has, and whether a complete campaign has all its shots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs import blobs, keys, publish
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord
from jobs.shots import Plan
from tests.faults import model_check

ONCE = ("/record/", "/image/", "/epoch/")
"""Below these, nothing may ever be written twice."""


def lost(store: ObjectStore, done: set[str], campaigns: Iterable[str]) -> list[str]:
    """What was reported done, jobs by id and campaigns by uid, and is not there, or not what it was."""
    missing = [trouble for uid in campaigns for trouble in _campaign(store, uid)]
    return model_check.violations(store, [], done, opened=False) + missing


def doubles(taken: Mapping[str, int]) -> list[str]:
    """Records that a server took more than once, by what its door saw."""
    return [
        f"{path} was written {count} times" for path, count in sorted(taken.items()) if count > 1 and _is_once(path)
    ]


def numbered_otherwise(store: ObjectStore, projects: Iterable[str]) -> list[str]:
    """Projects, by uid, whose one declaration became more than one version, or none."""
    counted = {uid: len(list(store.list(keys.versions(uid)))) for uid in projects}
    return [f"project {uid} has {count} versions" for uid, count in counted.items() if count != 1]


def _is_once(path: str) -> bool:
    return any(part in path for part in ONCE)


def _campaign(store: ObjectStore, uid: str) -> list[str]:
    body = publish.read(store, keys.campaign(uid))
    if body is None:
        return [f"campaign {uid} is complete and has no record"]
    plan = Plan.model_validate(blobs.get_json(store, CampaignRecord.model_validate(body).plan))
    missing = [shot.index for shot in plan.shots() if not store.exists(keys.image(shot.recipe.hash))]
    return [f"campaign {uid} is complete and lacks shots {missing}"] if missing else []
