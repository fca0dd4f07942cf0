"""An API server's answer that is none, as one of the farm's errors. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cluster.kube import causes
from cluster.kube.paths import Deed
from jobs.errors import ApiServerUnavailable, Conflict, FarmError, Forbidden, ManifestInvalid, NotFound, Unauthorized
from jobs.manifests import ManifestProblems

LONGEST_WAIT_SECONDS = 30.0
_QUOTED = 300


class Expired(FarmError):
    """The server has forgotten the version that was asked for; everything has to be listed anew."""

    retryable = True


def error_of(status: int, body: bytes, deed: Deed) -> FarmError:
    """The error behind an HTTP status and its body, a Status document where Kubernetes itself wrote it."""
    return error_of_status(_status(body), deed, status)


def error_of_status(told: Mapping[str, Any], deed: Deed, code: int) -> FarmError:
    """The error behind a Status document, which may also arrive in the middle of a watch."""
    message = str(told.get("message") or f"HTTP {code}")[:_QUOTED]
    match code:
        case 400 | 413 | 422:
            return _invalid(told, deed, message)
        case 401:
            return Unauthorized(
                f"The API server does not know who asks it to {deed}: {message}",
                hint="Log in again; `kubectl auth whoami` must name you. A pod needs its service account's token.",
            )
        case 403:
            return Forbidden(f"The API server does not allow to {deed}: {message}", hint=_ask_for(deed))
        case 404:
            return _not_found(told, deed)
        case 409:
            return _conflict(told, deed, message)
        case 410:
            return Expired(f"The API server cannot {deed} from that version on: {message}")
        case _:
            return ApiServerUnavailable(
                f"The API server could not {deed}: {code}, {message}",
                hint="It is tried again by itself; `kubectl get --raw /readyz?verbose` says what ails the server.",
                retryable=code == 429 or code >= 500,
            )


def wait_seconds(headers: Mapping[str, str]) -> float:
    """How long a server that has too much to do asks to be left alone; a second where it does not say."""
    try:
        return min(LONGEST_WAIT_SECONDS, max(0.0, float(headers.get("Retry-After", "1"))))
    except ValueError:  # a date: no API server writes one, a proxy before it might
        return 1.0


def _status(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        told = body.decode(errors="replace").strip()
    return told if isinstance(told, dict) else {"message": str(told)}


def _invalid(told: Mapping[str, Any], deed: Deed, message: str) -> FarmError:
    whole = str(told.get("message", ""))
    found = causes.unknown_fields(deed.kind, whole)
    found += causes.problems_of(deed.kind, told.get("details", {}).get("causes", ()) if not found else ())
    title = f"{deed.kind} {deed.name or told.get('details', {}).get('name', '')}".strip()
    if any(problem.path for problem in found):
        return ManifestProblems(title, found)
    return ManifestInvalid(f"{title} cannot be accepted: {message}", hint="Correct it and apply it again.")


def _ask_for(deed: Deed) -> str:
    where = f"-n {deed.namespace}" if deed.namespace else "-A"
    return f"Ask for the right; then `kubectl auth can-i {deed.verb} {deed.full_resource} {where}` says yes."


def _not_found(told: Mapping[str, Any], deed: Deed) -> FarmError:
    details = told.get("details", {})
    if details.get("kind") == "namespaces":
        return NotFound(
            f"There is no namespace {details.get('name')}.",
            hint=f"Make it with `kubectl create namespace {details.get('name')}`.",
        )
    if not details.get("name"):
        return NotFound(
            f"The API server knows no {deed.full_resource}, so it cannot {deed}.",
            hint="Install the farm's definitions: `helm upgrade --install` of the brandfarm chart brings them.",
        )
    return NotFound(
        f"There is no {deed.kind} {details['name']}{deed.where}.",
        hint="Look at the names with `brandfarm status`, or apply its manifest first.",
    )


def _conflict(told: Mapping[str, Any], deed: Deed, message: str) -> FarmError:
    if told.get("reason") == "AlreadyExists":
        return Conflict(
            f"{deed.kind} {told.get('details', {}).get('name', deed.name)} exists{deed.where} already.",
            hint="Choose another name, or change the one that exists with `brandfarm apply`.",
        )
    return Conflict(
        f"The API server could not {deed}, because somebody else was faster: {message}",
        hint="Read it again, make the change on the newest version, and write that.",
    )
