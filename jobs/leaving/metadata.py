"""What a Kohya file says of itself: ModelSpec for browsers of models, and the `ss_*` texts that A1111 and its kin read.

Captions go along as tag counts, as Kohya's trainer writes them; people and file names do not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from torch import Tensor

from jobs.adapters import tensor_file
from jobs.leaving.architecture import Known
from jobs.leaving.model import Model

MODELSPEC = "1.0.1"
ARCHITECTURES = {Known.SD1: "stable-diffusion-v1", Known.SDXL: "stable-diffusion-xl-v1-base"}
KOHYA_BASES = {Known.SD1: "sd_v1", Known.SDXL: "sdxl_base_v1-0"}
COMMONEST_TAGS = 500


def of(model: Model, known: Known, tensors: Mapping[str, Tensor], prediction: str) -> dict[str, str]:
    """All texts of a Kohya file, hashes included; `prediction` is the scheduler's prediction type."""
    trained = _trained(model, known)
    alone = tensor_file.written(tensors, trained)  # hashes are of the file with these texts only, as Kohya takes them
    hashes = {
        "sshs_model_hash": tensor_file.model_hash(alone),
        "sshs_legacy_hash": tensor_file.legacy_hash(alone),
        "modelspec.hash_sha256": f"0x{tensor_file.model_hash(alone)}",
    }
    return {"format": "pt", **_modelspec(model, known, prediction), **trained, **hashes}


def tag_counts(captions: Iterable[str]) -> dict[str, int]:
    """How often each part of a caption between commas occurs, the commonest first."""
    tags = Counter(tag.strip() for caption in captions for tag in caption.split(",") if tag.strip())
    return dict(sorted(tags.items(), key=lambda item: (-item[1], item[0]))[:COMMONEST_TAGS])


def _modelspec(model: Model, known: Known, prediction: str) -> dict[str, str]:
    side = model.record.recipe.resolution
    said = {
        "sai_model_spec": MODELSPEC,
        "architecture": f"{ARCHITECTURES.get(known, model.base.name)}/lora",
        "implementation": "diffusers"
        if known is not Known.SDXL
        else "https://github.com/Stability-AI/generative-models",
        "title": f"{model.name} {model.version}",
        "resolution": f"{side}x{side}",
        "description": f"{model.trigger} {model.class_name}, a LoRA on {model.base.name}",
        "author": model.dataset.owner,
        "license": f"rights of {model.dataset.owner} ({model.dataset.basis}); base: {model.base.licence}",
        "trigger_phrase": f"{model.trigger} {model.class_name}",
        "usage_hint": f"strength {model.strength:g}",
        "tags": f"{model.concept}, {model.class_name}",
        "prediction_type": {"v_prediction": "v"}.get(prediction, prediction),
        **({"date": _date(model.frozen.created)} if model.frozen else {}),
    }
    return {f"modelspec.{name}": text for name, text in said.items()}


def _trained(model: Model, known: Known) -> dict[str, str]:
    record, recipe = model.record, model.record.recipe
    folder = f"1_{model.trigger} {model.class_name}"
    said = {
        "v2": "False",
        "base_model_version": KOHYA_BASES.get(known, model.base.name),
        "sd_model_name": model.base.name,
        "sd_model_hash": model.base.digest,
        "output_name": model.stem,
        "network_module": "networks.lora",
        "network_dim": str(record.rank),
        "network_alpha": f"{recipe.alpha:g}",
        "network_args": json.dumps({"target_modules": record.targets}),
        "max_train_steps": str(recipe.steps),
        "steps": str(recipe.steps),
        "total_batch_size": str(recipe.batch),
        "learning_rate": f"{recipe.learning_rate:g}",
        "seed": str(recipe.seed),
        "resolution": f"({recipe.resolution}, {recipe.resolution})",
        "min_snr_gamma": f"{recipe.min_snr_gamma:g}",
        "max_grad_norm": f"{recipe.gradient_clip:g}",
        "lr_warmup_steps": str(recipe.warmup_steps),
        "caption_dropout_rate": f"{recipe.caption_dropout:g}",
        "optimizer": f"AdamW(weight_decay={recipe.weight_decay:g})",
        "num_train_images": str(model.dataset.count),
        "dataset_dirs": json.dumps({folder: {"n_repeats": 1, "img_count": model.dataset.count}}, ensure_ascii=False),
        "tag_frequency": json.dumps({folder: tag_counts(model.dataset.captions)}, ensure_ascii=False),
        "training_comment": f"trigger: {model.trigger}; dataset: {record.dataset}",
    }
    return {f"ss_{name}": text for name, text in said.items()}


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
