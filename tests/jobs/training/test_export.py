"""What leaves the farm is what was trained: loaded back by diffusers and PEFT, compared, and only then recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load

from jobs import blobs, keys, publish
from jobs.adapters.bank import Bank
from jobs.adapters.layout import Layout
from jobs.bases import catalogue, loading
from jobs.errors import ExportMismatch
from jobs.records import Sample, TrainRecord
from jobs.training import export as exports
from jobs.training.export import export
from jobs.training.finish_training import finish
from tests.jobs.adapters.small_unet import adapter, inputs
from tests.jobs.training.given import dataset, job, run, small_base, store_in, trainer


@pytest.mark.parametrize(("targets", "alpha"), [("default", 3.0), ("conv", 1.0)])
def test_a_plain_unet_with_the_file_draws_what_the_bank_draws(tmp_path: Path, targets: str, alpha: float) -> None:
    base = small_base(torch.float32)
    tensors = adapter(base.unet, targets, rank=3, seed=4)
    exported = export(base, tensors, alpha, targets)
    (tmp_path / exports.FILE).write_bytes(exported.data)
    stranger = small_base(torch.float32).unet
    stranger.load_lora_adapter(str(tmp_path), weight_name=exports.FILE, prefix="unet", local_files_only=True)
    bank = Bank(base.unet, Layout.of(base.unet, targets, 3), slots=1)
    bank.load(0, tensors, alpha)
    given = inputs(2, torch.float32)
    with torch.no_grad(), bank.rows(torch.tensor([0]), each=2):
        ours = base.unet(*given, return_dict=False)[0]
    with torch.no_grad():
        theirs = stranger(*given, return_dict=False)[0]
        without = small_base(torch.float32).unet(*given, return_dict=False)[0]
    assert (ours - theirs).abs().max() < 1e-5
    assert (ours - without).abs().max() > 1e-2


def test_the_file_says_rank_alpha_and_targets_and_is_the_same_each_time() -> None:
    base = small_base(torch.float32)
    tensors = adapter(base.unet, "default", rank=2, seed=0)
    exported = export(base, tensors, 2.0, "default")
    length = int.from_bytes(exported.data[:8], "little")
    metadata = json.loads(exported.data[8 : 8 + length])["__metadata__"]
    config = json.loads(metadata["lora_adapter_metadata"])
    assert (config["unet.r"], config["unet.lora_alpha"]) == (2, 2)
    assert config["unet.target_modules"] == list(exported.targets)
    assert list(metadata) == sorted(metadata), "in an order of chance, the same adapter would have two digests"
    assert length % 8 == 0
    assert export(base, tensors, 2.0, "default").digest == exported.digest
    assert load(exported.data).keys() == tensors.keys()


def test_a_pipeline_of_the_tiny_base_loads_the_file_whole(tmp_path: Path) -> None:
    base = loading.load(catalogue.by_name("tiny"))
    tensors = adapter(base.unet, "conv", rank=2, seed=0)
    exported = export(base, tensors, 2.0, "conv")
    (tmp_path / exports.FILE).write_bytes(exported.data)
    pipeline = StableDiffusionPipeline(
        vae=base.vae,
        text_encoder=base.text_encoder,
        tokenizer=base.tokenizer,
        unet=loading.load(catalogue.by_name("tiny")).unet,
        scheduler=None,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.load_lora_weights(str(tmp_path), weight_name=exports.FILE, local_files_only=True)
    loaded = sum("lora_" in name for name, _ in pipeline.unet.named_parameters())
    assert loaded == len(tensors)


def test_a_file_that_loads_back_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    base = small_base(torch.float32)
    tensors = adapter(base.unet, "default", rank=2, seed=0)
    faithful = exports._reloaded

    def forgetful(unet: Any, data: bytes) -> Any:
        plain = faithful(unet, data)
        next(p for name, p in plain.named_parameters() if "lora_B" in name).data.zero_()
        return plain

    def louder(unet: Any, data: bytes) -> Any:
        plain = faithful(unet, data)
        plain.set_adapters(list(plain.peft_config), [2.0])
        return plain

    monkeypatch.setattr(exports, "_reloaded", forgetful)
    with pytest.raises(ExportMismatch, match="other values"):
        export(base, tensors, 2.0, "default")
    monkeypatch.setattr(exports, "_reloaded", louder)
    with pytest.raises(ExportMismatch, match="outputs differ"):
        export(base, tensors, 2.0, "default")


def test_a_finished_training_is_recorded_with_adapter_curve_and_samples(tmp_path: Path) -> None:
    store, base, asked = store_in(tmp_path), small_base(torch.float32), job("a", steps=6, rank=3, alpha=6.0)
    one = trainer(store, base)
    one.admit(asked, 2, dataset())
    run(one, 6)
    sample = Sample(step=6, prompt="a stblsx sock", seed=7, image="c" * 64)
    one.add_samples(asked.id, [sample])
    published = finish(one, base, store, asked.id)
    record = TrainRecord.model_validate(publish.read(store, keys.train(asked.id)))
    assert published.won
    assert record.model_dump(mode="json") == published.body
    assert (record.asked, record.rank, record.attempts) == (asked.id, 3, 2)
    curve = blobs.get_json(store, record.losses)
    assert [step for step, _ in curve] == [1, 2, 3, 4, 5, 6]
    assert record.final_loss == pytest.approx(sum(loss for _, loss in curve) / 6)
    assert blobs.get_json(store, record.samples) == [sample.model_dump()]
    written, state = load(blobs.get(store, record.adapter)), one.state(asked.id)
    for name, tensor in state.items():
        expected = tensor * 2 if "lora_B" in name else tensor
        assert torch.allclose(written[name], expected)
