"""Makes the files of a version that leaves, proves each of them, and only then lets them into the folder that was named.

The files are written beside their place and read back; a proof that fails leaves nothing behind.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import peft
import torch
from safetensors.torch import load

from jobs import blobs
from jobs.adapters import tensor_file
from jobs.bases.loading import Base
from jobs.identity import digest_of
from jobs.leaving import architecture, card, cube, folder, kohya, metadata, proof, references
from jobs.leaving.cube import Colouring
from jobs.leaving.model import Format, Model
from jobs.leaving.proof import Finding
from jobs.ports import ObjectStore

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """A folder that left: where it is, its files by name with their sha256, and what was proven of them."""

    place: Path
    files: Mapping[str, str]
    findings: Sequence[Finding]


def export(
    base: Base, store: ObjectStore, model: Model, formats: Sequence[Format], place: Path, *, force: bool, tell: Tell
) -> Exported:
    """Write, prove, and put in place. `force` lets it take the place of an earlier export; `tell` hears what goes on.

    Raises ExportMismatch where a proof fails, ExportRefused where the folder cannot be written, KeyNotFound and Corrupt where the
    adapter is lost, RecipeInvalid where it does not fit the base. Whatever is raised, nothing was written to `place`.
    """
    folder.require_free(place, force)
    colouring = references.colouring(base, store, model)
    with tempfile.TemporaryDirectory() as scratch:
        files = _adapters(base, store, model, formats) | _cube(model, colouring)
        for name, data in files.items():
            folder.write(Path(scratch) / name, data)
        findings = _proven(base, store, model, formats, colouring, Path(scratch), tell)
        is_known = architecture.of(base.unet.config).known is not architecture.Known.OTHER
        files |= _words(model, formats, findings, files, is_known)
    digests = {name: digest_of(data) for name, data in sorted(files.items())}
    folder.put_in_place(place, files | {folder.MARK: _proof_file(model, findings, digests)}, digests)
    return Exported(place, digests, findings)


def _adapters(base: Base, store: ObjectStore, model: Model, formats: Sequence[Format]) -> dict[str, bytes]:
    recorded = blobs.get(store, model.record.adapter)
    files = {card.DIFFUSERS_FILE: recorded} if Format.DIFFUSERS in formats else {}
    if Format.KOHYA in formats:
        known = architecture.of(base.unet.config).known
        tensors = kohya.twin(load(recorded), model.record.recipe.alpha, known)
        prediction = str(base.scheduler_config.get("prediction_type", "epsilon"))
        files[card.kohya_file(model)] = tensor_file.written(tensors, metadata.of(model, known, tensors, prediction))
        files[f"{model.stem}.json"] = _sidecar(model, known)
        if model.pictures:
            files[f"{model.stem}.png"] = model.pictures[0].png
    return files


def _cube(model: Model, colouring: Colouring) -> dict[str, bytes]:
    if not model.colour_steps:
        return {}
    return {card.cube_file(model): cube.written(f"{model.name} {model.version}", colouring)}


def _proven(
    base: Base,
    store: ObjectStore,
    model: Model,
    formats: Sequence[Format],
    colouring: Colouring,
    scratch: Path,
    tell: Tell,
) -> list[Finding]:
    recorded = blobs.get(store, model.record.adapter)
    tensors, twin, findings = load(recorded), scratch / card.kohya_file(model), []
    if Format.KOHYA in formats:
        tell("proving the keys")
        findings.append(proof.kohya_keys(base, twin, tensors))
    tell("drawing what the files are compared with")
    ours = references.draw(base, store, model)
    if Format.DIFFUSERS in formats:
        tell("proving the diffusers file")
        findings.append(proof.diffusers(base, ours, scratch / card.DIFFUSERS_FILE, recorded, model.strength))
    if Format.KOHYA in formats:
        tell("proving the Kohya file")
        findings.append(proof.kohya_pictures(base, ours, twin, tensors, model.strength))
    if model.colour_steps:
        tell("proving the LUT")
        findings.append(proof.lut(scratch / card.cube_file(model), colouring, ours))
    return findings


def _words(
    model: Model, formats: Sequence[Format], findings: Sequence[Finding], files: Mapping[str, bytes], is_known: bool
) -> dict[str, bytes]:
    pictures = {card.sample_file(number): picture.png for number, picture in enumerate(model.pictures, start=1)}
    if model.contact_sheet is not None:
        pictures[card.CONTACT_SHEET] = model.contact_sheet
    return {
        **pictures,
        "README.md": card.written(model, formats, findings, _hashes(model, files), is_known),
        "record.json": _json(_records(model)),
    }


def _hashes(model: Model, files: Mapping[str, bytes]) -> dict[str, str]:
    hashes = {"recorded adapter, sha256": model.record.adapter}
    twin = files.get(card.kohya_file(model))
    if twin is not None:
        hashes[f"{card.kohya_file(model)}, as A1111 shows it"] = tensor_file.model_hash(twin)[:12]
        hashes[f"{card.kohya_file(model)}, sha256"] = digest_of(twin)
    return hashes


def _sidecar(model: Model, known: architecture.Known) -> bytes:
    """The `.json` beside a file from which A1111 and InvokeAI fill in trigger and weight."""
    versions = {architecture.Known.SD1: "SD1", architecture.Known.SDXL: "SDXL"}
    return _json(
        {
            "description": f"{model.name} {model.version}: {model.trigger} {model.class_name} on {model.base.name}",
            "sd version": versions.get(known, "Other"),
            "activation text": f"{model.trigger} {model.class_name}",
            "preferred weight": model.strength,
            "notes": f"Rights: {model.dataset.owner}, {model.dataset.basis}.",
        }
    )


def _records(model: Model) -> dict[str, Any]:
    return {
        "project": f"{model.namespace}/{model.name}",
        "version": model.version,
        "state": model.state,
        "declared": model.frozen.model_dump(mode="json") if model.frozen else None,
        "training": model.record.model_dump(mode="json"),
        "dataset": {"id": model.dataset.id, "count": model.dataset.count},
        "finish": [step.model_dump(mode="json", exclude_none=True) for step in model.finish],
        "sheet": model.plan.model_dump(mode="json"),
    }


def _proof_file(model: Model, findings: Sequence[Finding], digests: Mapping[str, str]) -> bytes:
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__, "peft": peft.__version__}
    return _json(
        {
            "schema": folder.SCHEMA,
            "model": f"{model.namespace}/{model.name} {model.version}",
            "strength": model.strength,
            "proven": [{"target": one.target, "words": one.sentence, **one.figures} for one in findings],
            "with": versions,
            "files": digests,
        }
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
