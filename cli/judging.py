"""A person's word on a brand: approve, critique, promote, roll back. Writes Reviews and the one field `spec.serve`.

Knows no terminal; who speaks is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cli import applying, farm
from cli.farm import Document, Farm
from jobs import manifests
from jobs.errors import FarmError, NotApproved, NotFound
from jobs.manifests import BrandProject, Verdict, VersionStatus, version_number

APPROVED = "approved"
UNTRAINED = {"training", "failed"}


@dataclass(frozen=True)
class Word:
    """A word to be said on a version: the review's spec without who, which project and which version."""

    verdict: Verdict
    tags: tuple[str, ...] = ()
    note: str = ""
    shots: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Said:
    """A word as it is kept, or None where the same person had said it already; and what follows from it, in a sentence."""

    review: Document | None
    version: str
    follows: str


@dataclass(frozen=True)
class Served:
    """Which version campaigns got, which they get now, and the project as it is kept; the same twice where nothing changed."""

    before: str
    after: str
    project: Document


def approve(asked: Farm, namespace: str | None, name: str, version: str | None, *, by: str, note: str = "") -> Said:
    """Says that a version may serve; the newest trained one where none is named.

    Raises NotFound, and FarmError for a version that is not trained.
    """
    project = farm.project(asked, namespace, name)
    chosen = _trained(project, version) if version else _newest_trained(project)
    earlier = _people_who_approve(asked, project, chosen.version)
    follows = _what_follows(project, chosen.version, len(earlier | {by}))
    if by in earlier:
        return Said(None, chosen.version, follows)
    return Said(_say(asked, project, chosen.version, Word(Verdict.APPROVE, note=note), by), chosen.version, follows)


def critique(asked: Farm, namespace: str | None, name: str, version: str, word: Word, *, by: str) -> Said:
    """Says what is wrong with a version. Raises NotFound, ManifestInvalid, and FarmError for one that is not trained."""
    project = farm.project(asked, namespace, name)
    chosen = _trained(project, version)
    had_approved = by in _people_who_approve(asked, project, version)
    review = _say(asked, project, chosen.version, word, by)
    if word.verdict is Verdict.APPROVE:
        approvals = len(_people_who_approve(asked, project, chosen.version))
        return Said(review, chosen.version, _what_follows(project, chosen.version, approvals))
    taken_back = f"This takes back your approval of {version}. " if had_approved else ""
    advice = f"Change the pictures, captions or recipe of {name}, and apply it again."
    return Said(review, chosen.version, taken_back + advice)


def unknown_tags(project: BrandProject, word: Word) -> list[str]:
    """The tags of a word that the brand's judge does not list, each once."""
    used = [*word.tags, *(tag for shot in word.shots for tag in shot.get("tags", ()))]
    return [tag for tag in dict.fromkeys(used) if tag not in project.spec.judge.tags]


def promote(asked: Farm, namespace: str | None, name: str, version: str) -> Served:
    """Pins the version that campaigns get; `approved` takes the pin away. Raises NotFound, NotApproved."""
    project = farm.project(asked, namespace, name)
    if version != APPROVED:
        _require_approved(asked, project, _trained(project, version).version)
    return _serve(asked, project, version)


def rollback(asked: Farm, namespace: str | None, name: str, to: str | None = None) -> Served:
    """Pins the version approved before the one that serves, or the one named. Raises NotFound, NotApproved."""
    project = farm.project(asked, namespace, name)
    return (
        promote(asked, project.metadata.namespace, name, to)
        if to
        else _serve(asked, project, _approved_before(project))
    )


def _say(asked: Farm, project: BrandProject, version: str, word: Word, by: str) -> Document:
    review = {
        "apiVersion": manifests.API_VERSION,
        "kind": "Review",
        "metadata": {
            "generateName": f"{project.metadata.name}-{version}-",
            "namespace": project.metadata.namespace,
        },
        "spec": {
            "by": by,
            "project": project.metadata.name,
            "projectUid": project.metadata.uid,
            "version": version,
            "verdict": word.verdict.value,
            "tags": list(word.tags),
            "note": word.note,
            "shots": list(word.shots),
        },
    }
    checked = manifests.dump(manifests.parse(review))
    return asked.create(applying.with_project_uid(asked, checked))


def _trained(project: BrandProject, name: str) -> VersionStatus:
    """The version of that name. Raises NotFound, and FarmError while it is not trained."""
    version = farm.version(project, name)
    if version.state not in UNTRAINED:
        return version
    title = f"{project.metadata.name} {name}"
    if version.state == "failed":
        raise FarmError(f"{title} failed in training; it has no pictures.", hint=_see(project))
    raise FarmError(
        f"{title} is still being trained ({farm.status_of(project).progress or 'not begun'}).",
        hint=f"`brandfarm wait {project.metadata.name} --for Trained`, then look at its sheet.",
    )


def _newest_trained(project: BrandProject) -> VersionStatus:
    trained = [one for one in farm.status_of(project).versions if one.state not in UNTRAINED]
    if not trained:
        raise FarmError(f"{project.metadata.name} has no trained version yet.", hint=_see(project))
    return trained[-1]


def _people_who_approve(asked: Farm, project: BrandProject, version: str) -> frozenset[str]:
    """Each person counts once, by what they said last."""
    words = [one.spec for one in farm.reviews(asked, project) if one.spec.version == version]
    last = {word.by: word.verdict for word in words}
    return frozenset(by for by, verdict in last.items() if verdict is Verdict.APPROVE)


def _what_follows(project: BrandProject, version: str, approvals: int) -> str:
    spec, name = project.spec, project.metadata.name
    missing = spec.gate.approvals - approvals
    if missing > 0:
        return f"{approvals} of {spec.gate.approvals} approvals; {missing} more to go."
    if spec.serve not in (APPROVED, version):
        return f"{name} serves {spec.serve}, which is pinned: `brandfarm promote {name} {version}` changes that."
    newer = [one for one in farm.status_of(project).versions if one.state == "approved"]
    if spec.serve == APPROVED and newer and version_number(newer[-1].version) > version_number(version):
        return (
            f"{newer[-1].version} is newer and approved, so it serves: `brandfarm promote {name} {version}` pins this."
        )
    return f"Campaigns get {version} from now on."


def _require_approved(asked: Farm, project: BrandProject, version: str) -> None:
    """Counts the reviews themselves, since a status follows them a moment later."""
    needed, found = project.spec.gate.approvals, len(_people_who_approve(asked, project, version))
    if found >= needed:
        return
    name = project.metadata.name
    raise NotApproved(
        f"{name} {version} has {found} of {needed} approvals, so it may not serve.",
        hint=f"Look at `brandfarm sheet {name}`, then `brandfarm approve {name} {version}`.",
    )


def _approved_before(project: BrandProject) -> str:
    status = farm.status_of(project)
    approved = [one.version for one in status.versions if one.state == "approved"]
    serving = status.serving if project.spec.serve == APPROVED else project.spec.serve
    if serving is None:
        raise NotFound(f"{project.metadata.name} serves no version that one could go back from.", hint=_see(project))
    earlier = [one for one in approved if version_number(one) < version_number(serving)]
    if not earlier:
        raise NotFound(
            f"{project.metadata.name} serves {serving}, and nothing was approved before it.", hint=_see(project)
        )
    return earlier[-1]


def _serve(asked: Farm, project: BrandProject, version: str) -> Served:
    namespace, name = project.metadata.namespace, project.metadata.name or ""
    before = farm.status_of(project).serving or "none"
    if project.spec.serve == version:
        return Served(project.spec.serve, version, asked.document("BrandProject", namespace, name))
    after = farm.change_spec(asked, "BrandProject", namespace, name, {"serve": version})
    shown = project.spec.serve if project.spec.serve != APPROVED else f"{APPROVED} ({before})"
    return Served(shown, version, after)


def _see(project: BrandProject) -> str:
    return f"See `brandfarm status {project.metadata.name}`."
