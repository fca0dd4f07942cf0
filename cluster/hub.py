"""The one door to the model hub: a model's files at one commit, by huggingface_hub's client, which comes with diffusers.

Imported lazily: the client takes a while, and the plain install has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.bases import on_disk, selection
from jobs.bases.selection import Offered
from jobs.errors import BaseRefused, FarmError, SourceUnreadable

_COMMIT = re.compile(r"[0-9a-f]{40}")


def pinned(model: str, revision: str | None) -> str:
    """The revision, if it can never mean anything else. Raises BaseRefused for a branch, a tag or none."""
    if revision is None or not _COMMIT.fullmatch(revision):
        found = (
            "no revision was given" if revision is None else f"{revision!r} is a branch, a tag or a part of a commit"
        )
        raise BaseRefused(
            f"{model} must be named at a commit, so that it is the same model for ever; {found}.",
            hint=f"Take the 40 hex digits from its page under Files, History; or from "
            f"`git ls-remote https://huggingface.co/{model} {revision or 'main'}`; and say --revision DIGITS.",
        )
    return revision


class HubModels:
    """A model of the hub at one commit. `endpoint` is for mirrors; left out, HF_ENDPOINT or the hub itself."""

    def __init__(self, model: str, commit: str, endpoint: str | None = None) -> None:
        self._model, self._commit, self._endpoint = model, commit, endpoint
        self._client = _client()

    @property
    def address(self) -> str:
        """The model's id and its commit."""
        return f"hub://{self._model}@{self._commit}"

    def files(self) -> list[Offered]:
        """Its files, with the digests of those that the hub keeps by digest. Raises SourceUnreadable."""
        with self._answering("listed"):
            api = self._client.HfApi(endpoint=self._endpoint)
            found = api.model_info(self._model, revision=self._commit, files_metadata=True)
            if found.sha != self._commit:
                raise SourceUnreadable(
                    f"The hub answered for {self._model} with commit {found.sha}, not {self._commit}.",
                    hint="Look at that commit on the model's page.",
                )
            return [Offered(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "") for one in found.siblings]

    @contextmanager
    def local(self, file: Offered, folder: Path) -> Iterator[Path]:
        """The file, downloaded; it stays in `folder` until it was used, so that a broken adding goes on from there."""
        selection.require_inside(file.name)
        on_disk.require_room(folder, file.size)
        place = folder / self._commit
        path = self._downloaded(file, place)
        yield path
        path.unlink(missing_ok=True)

    def _downloaded(self, file: Offered, place: Path) -> Path:
        with self._answering(f"asked for {file.name}"):
            return Path(
                self._client.hf_hub_download(
                    self._model, file.name, revision=self._commit, local_dir=place, endpoint=self._endpoint
                )
            )

    @contextmanager
    def _answering(self, deed: str) -> Iterator[None]:
        """Turns what the client raises into our errors."""
        try:
            yield
        except FarmError:
            raise
        except Exception as failed:
            raise _explained(f"{self._model} at {self._commit[:12]} could not be {deed}", failed) from failed


def _explained(said: str, failed: Exception) -> SourceUnreadable:
    from huggingface_hub import errors

    match failed:
        case errors.GatedRepoError():
            hint = "Accept its terms on the model's page, and set HF_TOKEN to a token of that account."
            return SourceUnreadable(f"{said}: it is gated, and the hub wants to know who asks.", hint=hint)
        case errors.RepositoryNotFoundError():
            hint = "Look at its name; if it is private, set HF_TOKEN to a token that may read it."
            return SourceUnreadable(
                f"{said}: the hub knows no such model, or does not show it to everybody.", hint=hint
            )
        case errors.RevisionNotFoundError():
            hint = "Look at the commits on the model's page."
            return SourceUnreadable(f"{said}: it has no such commit.", hint=hint)
        case errors.OfflineModeIsEnabled():
            return SourceUnreadable(f"{said}: HF_HUB_OFFLINE is set.", hint="Unset it, or name a folder.")
        case errors.HfHubHTTPError() if failed.response.status_code in (401, 403):
            hint = "Set HF_TOKEN to a token that may read this model."
            return SourceUnreadable(f"{said}: the hub refuses ({failed.response.status_code}).", hint=hint)
    first = (str(failed) or type(failed).__name__).splitlines()[0]
    hint = (
        "Is the hub reachable from here? If not, download it elsewhere and name the folder; the same command goes on."
    )
    return SourceUnreadable(f"{said}: {first}", hint=hint, retryable=True)


def _client() -> Any:
    """The client's package, silent: bars are drawn elsewhere. Raises BaseRefused where it is not installed."""
    try:
        import huggingface_hub
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError as missing:
        raise BaseRefused(
            "The hub is reached by the package huggingface_hub, which is not installed here.",
            hint="Install brandfarm[worker], or download the model elsewhere and name its folder.",
        ) from missing
    disable_progress_bars()
    return huggingface_hub
