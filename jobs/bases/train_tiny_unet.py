"""Trains the tiny base's UNet and text encoder together on latents made once by the finished autoencoder.

Zero terminal SNR, v-prediction, min-SNR weights with a floor, running means. It refuses to know of pixels.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from jobs.bases import train_tiny_model as model
from jobs.bases import train_tiny_pictures as pictures
from jobs.bases import train_tiny_state as states
from jobs.bases.train_tiny_vae import begun, rate

STAGE: Final = 2
BATCH: Final = 32
RATE: Final = 1.5e-3
WARM_UP: Final = 200
HOLD: Final = 0.35  # the share of steps at the full rate, before it falls
EMPTY_SHARE: Final = 0.10  # captions left out, for guidance
AVERAGE_KEEP: Final = 0.998
SNR_CAP: Final = 5.0
SNR_FLOOR: Final = 0.05  # below it the weight is lifted, or the noisiest steps would learn nothing


@dataclass(frozen=True)
class Lessons:
    """What the UNet learns from: latents (n, 8, 16, 16) and the token ids of seven wordings (7, n, 24)."""

    latents: torch.Tensor
    ids: torch.Tensor
    empty_ids: torch.Tensor

    @classmethod
    def of(cls, latents: torch.Tensor, told: list[pictures.Told], tokens: Any) -> Lessons:
        by_wording = zip(*(pictures.wordings(one) for one in told), strict=True)
        ids = torch.stack([token_ids(tokens, list(captions)) for captions in by_wording])
        return cls(latents, ids, token_ids(tokens, [""])[0])


@dataclass(frozen=True)
class Learner:
    """The two networks that learn, and the signal share of each timestep, (1000,)."""

    unet: Any
    text: Any
    signal: torch.Tensor
    peak_rate: float

    @classmethod
    def begun(cls, seed: int, tokens: Any, earlier: Path | None) -> Learner:
        """Fresh networks, or those with the weights of an earlier model's folder."""
        torch.manual_seed(seed)
        unet = begun(model.unet(), earlier and earlier / "unet")
        text = begun(model.text_encoder(tokens), earlier and earlier / "text_encoder")
        return cls(unet.train(), text.train(), model.scheduler().alphas_cumprod, rate(RATE, earlier))

    def parameters(self) -> list[torch.nn.Parameter]:
        return [*self.unet.parameters(), *self.text.parameters()]


def token_ids(tokens: Any, captions: list[str]) -> torch.Tensor:
    """Captions as token ids, (n, 24)."""
    padded = tokens(
        captions, padding="max_length", truncation=True, max_length=model.PROMPT_LENGTH, return_tensors="pt"
    )
    ids: torch.Tensor = padded.input_ids
    return ids


def train(
    work: Path, seed: int, steps: int, lessons: Lessons, learner: Learner, show: Callable[[int, Learner], None]
) -> None:
    """Train the learner for `steps` and leave the running means in it; `show` sees them every 500 steps."""
    parameters = learner.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.99), weight_decay=0.01)
    state = states.State(parameters, optimizer, [p.detach().clone() for p in parameters], learner.peak_rate)
    state.begin(work / "unet-state.safetensors", steps)
    clock, smooth_loss = states.Clock(), float("nan")
    while state.step < steps:
        started = time.monotonic()
        clock.before_step(state.step)
        loss = _step(learner, state, lessons, seed, steps)
        clock.after_step(state.step, time.monotonic() - started)
        state.step, state.seconds = state.step + 1, state.seconds + time.monotonic() - started
        smooth_loss = loss if math.isnan(smooth_loss) else 0.98 * smooth_loss + 0.02 * loss
        if state.step % 50 == 0:
            told = f"unet {state.step} loss {smooth_loss:.4f} {state.seconds:.0f}s threads {clock.threads}"
            print(told, flush=True)
        if clock.saving_is_due() or state.step == steps:
            state.save(work / "unet-state.safetensors")
        if state.step % 500 == 0:
            _show_averages(learner, state, show)
    state.swap_averages()


def _show_averages(learner: Learner, state: states.State, show: Callable[[int, Learner], None]) -> None:
    state.swap_averages()
    show(state.step, learner)
    state.swap_averages()


def _step(learner: Learner, state: states.State, lessons: Lessons, seed: int, steps: int) -> float:
    random = states.generator(seed, STAGE, state.step)
    states.set_learning_rate(state.optimizer, state.peak_rate * _slope(state.step, steps))
    chosen = torch.randint(0, len(lessons.latents), (BATCH,), generator=random)
    ids = _chosen_ids(lessons, chosen, random)  # (32, 24)
    times = _spread_times(random)  # (32,)
    noise = torch.randn((BATCH, *lessons.latents.shape[1:]), generator=random)
    loss = _loss(learner, lessons.latents[chosen].float(), ids, times, noise)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.parameters, 1.0)
    state.optimizer.step()
    state.average(AVERAGE_KEEP)
    return loss.item()


def _chosen_ids(lessons: Lessons, chosen: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    shares = torch.tensor(pictures.WORDING_SHARES)
    ids = lessons.ids[torch.multinomial(shares, BATCH, True, generator=random), chosen]
    is_empty = torch.rand(BATCH, generator=random) < EMPTY_SHARE
    return torch.where(is_empty[:, None], lessons.empty_ids, ids)


def _spread_times(random: torch.Generator) -> torch.Tensor:
    """One timestep from each of 32 equal parts of the noise scale."""
    within = torch.rand(BATCH, generator=random)
    return ((torch.arange(BATCH) + within) / BATCH * 1000).long().clamp(max=999)


def _loss(
    learner: Learner, latents: torch.Tensor, ids: torch.Tensor, times: torch.Tensor, noise: torch.Tensor
) -> torch.Tensor:
    signal = learner.signal[times][:, None, None, None]
    noisy = signal.sqrt() * latents + (1 - signal).sqrt() * noise
    velocity = signal.sqrt() * noise - (1 - signal).sqrt() * latents
    words = learner.text(ids).last_hidden_state  # (32, 24, 96)
    guess = learner.unet(noisy, times, words, return_dict=False)[0]
    error: torch.Tensor = ((guess - velocity) ** 2).mean((1, 2, 3))
    return (error * _weight(learner.signal[times])).mean()


def _weight(signal: torch.Tensor) -> torch.Tensor:
    """Min-SNR-5 for v-prediction, lifted where next to nothing of the signal is left."""
    ratio = signal / (1 - signal).clamp(min=1e-6)
    weight = ratio.clamp(max=SNR_CAP) / (ratio + 1)
    return 2 * torch.where(ratio < SNR_FLOOR, weight + SNR_FLOOR, weight)


def _slope(step: int, steps: int) -> float:
    done = step / steps
    fall = 1.0 if done < HOLD else 0.98 * 0.5 * (1 + math.cos(math.pi * (done - HOLD) / (1 - HOLD))) + 0.02
    return min(1.0, (step + 1) / WARM_UP) * fall
