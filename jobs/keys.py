"""Where each thing lives in the store. Pure: digests and ids in, keys out."""

from __future__ import annotations

from jobs.errors import Corrupt
from jobs.identity import digest_of

CAS = "cas/sha256/"


def blob(digest: str) -> str:
    """Bytes named by their digest."""
    return f"{CAS}{digest[:2]}/{digest}"


def checked(key: str, data: bytes) -> bytes:
    """The data, if the key is not a blob's or the digest matches; raises Corrupt otherwise."""
    if key.startswith(CAS):
        require_digest(key, digest_of(data), len(data))
    return data


def require_digest(key: str, digest: str, size: int) -> None:
    """Raises Corrupt where a key is a blob's and `size` bytes of another digest were read from it."""
    if key.startswith(CAS) and digest != key.rsplit("/", 1)[1]:
        raise Corrupt(
            f"The bytes under {key} are not what their digest names ({size} bytes, {digest[:12]}...).",
            hint="The store lost or changed data; restore the object from a backup or remove it so that it is made again.",
        )


def intake(asked: str) -> str:
    """Which dataset a source became."""
    return f"record/intake/{asked}"


def dataset(dataset_id: str) -> str:
    """What a dataset consists of."""
    return f"record/dataset/{dataset_id}"


def train(asked: str) -> str:
    """The adapter that a declaration became."""
    return f"record/train/{asked}"


def failure(asked: str, attempt: int) -> str:
    """Why an attempt failed."""
    return f"record/failure/{asked}/{attempt:04d}"


FAILURES = "record/failure/"


def failures(asked: str) -> str:
    """The prefix of all failures of one asked thing."""
    return f"record/failure/{asked}/"


def retry(asked: str, attempt: int) -> str:
    """That a person asked for more attempts after this one had failed."""
    return f"record/retry/{asked}/{attempt:04d}"


def retries(asked: str) -> str:
    """The prefix of all retries of one asked thing."""
    return f"record/retry/{asked}/"


def chunk(chunk_id: str) -> str:
    """What a chunk of shots came to: counts and exceptions."""
    return f"record/chunk/{chunk_id}"


IMAGES = "image/"


def image(recipe_hash: str) -> str:
    """A finished image: digest, size, attempt."""
    return f"image/{recipe_hash[:2]}/{recipe_hash}"


VERSIONS, CAMPAIGNS, RERUNS, DELETED = "record/version/", "record/campaign/", "record/rerun/", "record/deleted/"
"""The prefixes of what tells whose a store is: `<prefix><uid>`, with a number where there may be several."""


def version(project_uid: str, number: int) -> str:
    """Version n of a project."""
    return f"record/version/{project_uid}/{number:06d}"


def versions(project_uid: str) -> str:
    """The prefix of all versions of a project."""
    return f"record/version/{project_uid}/"


def campaign(uid: str) -> str:
    """What a campaign resolved to."""
    return f"record/campaign/{uid}"


def rerun(uid: str, number: int) -> str:
    """That a person asked for a campaign's failed shots once more."""
    return f"record/rerun/{uid}/{number:06d}"


def reruns(uid: str) -> str:
    """The prefix of all reruns of a campaign."""
    return f"record/rerun/{uid}/"


def deleted(uid: str) -> str:
    """That a manifest was deleted."""
    return f"record/deleted/{uid}"


def epoch(number: int) -> str:
    """That a dispatcher took charge."""
    return f"epoch/{number:010d}"


EPOCHS = "epoch/"


def base(digest: str) -> str:
    """Which files a base model consists of."""
    return f"base/{digest}.json"


CATALOGUE = "catalogue/"


def catalogue(name: str, number: int) -> str:
    """The n-th base model that a name of the catalogue means."""
    return f"{CATALOGUE}{name}/{number:06d}"


def checkpoint(asked: str, step: int, attempt: int) -> str:
    """A pointer to a training's state at a step."""
    return f"checkpoint/{asked}/{step:08d}/{attempt:04d}"


def checkpoints(asked: str) -> str:
    """The prefix of all checkpoints of one training."""
    return f"checkpoint/{asked}/"


def cache(content: str) -> str:
    """Latents and text embeddings; may be swept at any time."""
    return f"cache/{content}"


def log(asked: str, attempt: int, number: int) -> str:
    """A numbered piece of an attempt's log, JSON lines."""
    return f"attempt/{asked}/{attempt:04d}/log/{number:06d}.jsonl"


def logs(asked: str, attempt: int | None = None) -> str:
    """The prefix of everything that the attempts at one asked thing have told, or one of them."""
    return f"attempt/{asked}/" if attempt is None else f"attempt/{asked}/{attempt:04d}/"
