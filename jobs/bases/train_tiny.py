"""Trains the tiny base: draw, autoencoder, latents, UNet with text encoder, export.

    python -m jobs.bases.train_tiny --work DIR [--to FOLDER] [--from FOLDER] [--steps N] [--vae-steps N] [--seed N]

Stop it at any time and start it again with the same words: it goes on from the last saved state.
A new --steps may be given while the rate still holds. It refuses to judge its result.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from jobs.bases import train_tiny_export as export
from jobs.bases import train_tiny_model as model
from jobs.bases import train_tiny_pictures as pictures
from jobs.bases import train_tiny_state as states
from jobs.bases import train_tiny_unet as unet
from jobs.bases import train_tiny_vae as vae

SCRIPT: Final = "jobs.bases.train_tiny 1"


@dataclass(frozen=True)
class Plan:
    """What to train and where its unfinished state lies."""

    work: Path
    to: Path
    earlier: Path | None
    seed: int
    vae_steps: int
    unet_steps: int


def main() -> None:
    """Read the plan from the command line and carry it out."""
    plan = _plan()
    drawing = multiprocessing.get_context("spawn").Process(
        target=pictures.draw_all, args=(plan.work / "pictures", plan.seed), daemon=True
    )
    drawing.start()
    autoencoder = _autoencoder(plan)
    drawing.join()
    tokens = model.tokenizer(plan.work / "tokenizer")
    told = [one for number in range(pictures.SHARDS["named"]) for one in _told(plan, number)]
    lessons = unet.Lessons.of(_latents(plan, autoencoder), told, tokens)
    show = _shower(plan, autoencoder, tokens)
    learner = unet.Learner.begun(plan.seed, tokens, plan.earlier)
    unet.train(plan.work, plan.seed, plan.unet_steps, lessons, learner, show)
    _export(plan, autoencoder, learner, tokens)


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description="Train the tiny base.")
    parser.add_argument("--work", type=Path, required=True, help="folder for pictures, states and grids")
    parser.add_argument("--to", type=Path, help="folder for the finished model (default: WORK/tiny)")
    parser.add_argument("--from", type=Path, dest="earlier", help="begin with this model's weights, not from nothing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vae-steps", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=5000, help="steps of the UNet and text encoder")
    said = parser.parse_args()
    said.work.mkdir(parents=True, exist_ok=True)
    return Plan(said.work, said.to or said.work / "tiny", said.earlier, said.seed, said.vae_steps, said.steps)


def _autoencoder(plan: Plan) -> Any:
    finished = plan.work / "vae"
    if not finished.exists():
        trained = vae.train(plan.work, plan.seed, plan.vae_steps, plan.earlier and plan.earlier / "vae")
        quality = vae.quality(trained, pictures.unseen(plan.seed, 256))
        print(f"vae finished: {quality:.2f} dB on unseen pictures of any colour", flush=True)
        trained.save_pretrained(finished, safe_serialization=True)
    kind: Any = AutoencoderKL
    return kind.from_pretrained(finished, use_safetensors=True).eval().requires_grad_(False)


def _latents(plan: Plan, autoencoder: Any) -> torch.Tensor:
    file = plan.work / "latents.safetensors"
    if not file.exists():
        shards = (pictures.pixels(plan.work / "pictures", "named", n) for n in range(pictures.SHARDS["named"]))
        save_file({"latents": torch.cat([vae.encode(autoencoder, shard) for shard in shards])}, file)
    return load_file(file)["latents"]


def _told(plan: Plan, number: int) -> list[pictures.Told]:
    return pictures.told(plan.work / "pictures", "named", number)


def _shower(plan: Plan, autoencoder: Any, tokens: Any) -> Callable[[int, unet.Learner], None]:
    def show(step: int, learner: unet.Learner) -> None:
        learner.unet.eval()
        learner.text.eval()
        whole = model.pipeline(autoencoder, learner.text, tokens, learner.unet)
        export.prompt_grid(whole).save(plan.work / f"grid-{step:05d}.png")
        learner.unet.train()
        learner.text.train()

    return show


def _export(plan: Plan, autoencoder: Any, learner: unet.Learner, tokens: Any) -> None:
    parts = ("vae", "unet")
    states_read = {part: states.read_notes(plan.work / f"{part}-state.safetensors") for part in parts}
    made = {
        "script": SCRIPT,
        "seed": plan.seed,
        "vae_steps": plan.vae_steps,
        "unet_steps": plan.unet_steps,
        "pictures": pictures.SHARD_SIZE * sum(pictures.SHARDS.values()),
        "training_minutes": round(sum(notes["seconds"] for notes in states_read.values()) / 60, 1),
        "plans": {part: notes["plan"] for part, notes in states_read.items()},
        "vae_psnr_db": round(vae.quality(autoencoder, pictures.unseen(plan.seed, 256)), 2),
        "licence": "Apache-2.0",
        "began_with": export.digests(plan.earlier) if plan.earlier else {},
    }
    whole = model.pipeline(autoencoder, learner.text.eval(), tokens, learner.unet.eval())
    export.export(whole, plan.work / "tokenizer", plan.to, made)
    print(f"exported to {plan.to}", flush=True)


if __name__ == "__main__":
    main()
