"""What is done to the campaigns of nights: made, ended early, forgotten. Each may be repeated with the same end."""

from __future__ import annotations

from typing import Any

import structlog

from cluster.ports import Manifests
from jobs import failpoints
from jobs.errors import Conflict, NotFound
from jobs.manifests.nights import REPLACED_BY
from operators.decision import DropNight, EndNight, MakeNight
from operators.nights_seen import is_of

Document = dict[str, Any]

log = structlog.get_logger("controller")


async def make(documents: Manifests, night: MakeNight) -> None:
    """Make a night, unless it was made. Raises Conflict where its name belongs to somebody else."""
    metadata = night.document["metadata"]
    failpoints.reach("controller.before-night")
    try:
        await documents.create(night.document)
    except Conflict:
        stands = await _found(documents, metadata["namespace"], metadata["name"])
        if stands is not None and not is_of(stands, night.schedule_uid):
            raise Conflict(
                f"The campaign {metadata['name']} is no night of this schedule.",
                hint="Delete it, or give the schedule another name.",
                retryable=True,
            ) from None
    failpoints.reach("controller.after-night")
    log.info(
        "night begins", namespace=metadata["namespace"], name=metadata["name"], until=night.document["spec"]["until"]
    )


async def end(documents: Manifests, night: EndNight) -> None:
    """Let a night end at a moment, because the next one begins; where somebody else changed it meanwhile the next look sees."""
    stands = await _found(documents, night.namespace, night.name)
    if stands is None or stands["metadata"]["uid"] != night.uid:
        return
    notes = {**stands["metadata"].get("annotations", {}), REPLACED_BY: night.replaced_by}
    changed = {
        **{key: value for key, value in stands.items() if key != "status"},
        "metadata": {**stands["metadata"], "annotations": notes},
        "spec": {**stands["spec"], "until": night.until},
    }
    try:
        await documents.replace(changed)
    except (Conflict, NotFound):
        return
    log.info("night replaced", namespace=night.namespace, name=night.name, by=night.replaced_by)


async def drop(documents: Manifests, night: DropNight) -> None:
    """Delete the manifest of an ended night; what it drew stays in the store."""
    stands = await _found(documents, night.namespace, night.name)
    if stands is None or stands["metadata"]["uid"] != night.uid:
        return
    try:
        await documents.delete("Campaign", night.namespace, night.name)
    except NotFound:
        return
    log.info("night forgotten", namespace=night.namespace, name=night.name)


async def _found(documents: Manifests, namespace: str, name: str) -> Document | None:
    try:
        return await documents.get("Campaign", namespace, name)
    except NotFound:
        return None
