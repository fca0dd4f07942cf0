"""Trains the tiny base's autoencoder: 64 x 64 pictures to 8 x 16 x 16 latents and back.

Half of every batch shows any colour in any pattern, so that a brand's own colours survive it.
It refuses to know of captions.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import AutoencoderKL

from jobs.bases import train_tiny_pictures as pictures
from jobs.bases import train_tiny_state as states

STAGE: Final = 1
BATCH: Final = 8
RATE: Final = 2e-3
WARM_UP: Final = 100
LATENT_CHANNELS: Final = 8
LATENT_NOISE: Final = 0.05
STEPS_PER_SHARD: Final = 150  # a further pair of shards joins after so many steps, while they are drawn


def build() -> Any:
    """A fresh autoencoder: 32/48/64 channels, factor 4, no attention, 0.81 M parameters."""
    autoencoder: Any = AutoencoderKL
    return autoencoder(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 48, 64),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def train(work: Path, seed: int, steps: int, earlier: Path | None) -> Any:
    """Train for `steps` and return the autoencoder, latents normalised; goes on from work/vae-state.

    It begins with the weights of an earlier model's folder where one is given, and from nothing otherwise.
    """
    torch.manual_seed(seed)
    vae = begun(build(), earlier).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(vae.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0)
    state, clock = states.State(list(vae.parameters()), optimizer, peak_rate=rate(RATE, earlier)), states.Clock()
    state.begin(work / "vae-state.safetensors", steps)
    shards = _Shards(work / "pictures")
    while state.step < steps:
        started = time.monotonic()
        clock.before_step(state.step)
        loss = _step(vae, state, shards, seed, steps)
        clock.after_step(state.step, time.monotonic() - started)
        state.step, state.seconds = state.step + 1, state.seconds + time.monotonic() - started
        if state.step % 50 == 0:
            print(f"vae {state.step} loss {loss:.4f} {state.seconds:.0f}s threads {clock.threads}", flush=True)
        if clock.saving_is_due() or state.step == steps:
            state.save(work / "vae-state.safetensors")
    normalise(vae.eval(), shards.some(2))
    return vae


def rate(whole: float, earlier: Path | None) -> float:
    """The highest learning rate: two thirds of the whole where trained weights are there to be kept."""
    return whole if earlier is None else whole * 2 / 3


def begun(fresh: Any, earlier: Path | None) -> Any:
    """A fresh model, or one of its kind with an earlier model's weights, in full precision."""
    if earlier is None:
        return fresh
    return type(fresh).from_pretrained(earlier, dtype=torch.float32, use_safetensors=True)


def to_input(pixels: torch.Tensor) -> torch.Tensor:
    """Pictures (n, 64, 64, 3) of 0..255 as network input (n, 3, 64, 64) of -1..1."""
    return pixels.permute(0, 3, 1, 2).to(memory_format=torch.channels_last).float() / 127.5 - 1


def encode(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """The latents of pictures, (n, 8, 16, 16), without noise."""
    with torch.no_grad():
        parts = [vae.encode(to_input(part)).latent_dist.mode() for part in torch.split(pixels, 64)]
    return torch.cat(parts).contiguous()


def normalise(vae: Any, pixels: torch.Tensor) -> None:
    """Fold mean and spread of each latent channel into the 1 x 1 convolutions: scaling_factor stays 1."""
    with torch.no_grad():
        latents = torch.cat([_mean(vae, to_input(part)) for part in torch.split(pixels, 64)])
        middle, spread = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
        into, out, n = vae.quant_conv, vae.post_quant_conv, LATENT_CHANNELS
        into.weight[:n] /= spread[:, None, None, None]
        into.bias[:n] = (into.bias[:n] - middle) / spread
        into.weight[n:], into.bias[n:] = 0, -7.0  # the log variance: next to none
        out.bias += out.weight[:, :, 0, 0] @ middle
        out.weight *= spread[None, :, None, None]


def quality(vae: Any, pixels: torch.Tensor) -> float:
    """How well pictures come back, as PSNR in dB over all of them."""
    with torch.no_grad():
        back = vae.decode(encode(vae, pixels)).sample.clamp(-1, 1)
    error = ((back - to_input(pixels)) ** 2).mean() / 4
    return float(-10 * torch.log10(error))


class _Shards:
    """The shards in use at each step, loaded when their step comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded: dict[tuple[pictures.Kind, int], torch.Tensor] = {}

    def batch(self, step: int, random: torch.Generator) -> torch.Tensor:
        count = min(pictures.SHARDS["wild"], 1 + step // STEPS_PER_SHARD)
        halves = [self._half(kind, count, random) for kind in ("wild", "named")]
        batch = torch.cat(halves)
        return batch.flip(2) if torch.rand((), generator=random) < 0.5 else batch

    def some(self, count: int) -> torch.Tensor:
        """The first `count` shards of named pictures."""
        return torch.cat([self._shard("named", number) for number in range(count)])

    def _half(self, kind: Any, count: int, random: torch.Generator) -> torch.Tensor:
        chosen = torch.randint(0, count * pictures.SHARD_SIZE, (BATCH // 2,), generator=random).tolist()
        rows = [self._shard(kind, i // pictures.SHARD_SIZE)[i % pictures.SHARD_SIZE] for i in chosen]
        return torch.stack(rows)

    def _shard(self, kind: pictures.Kind, number: int) -> torch.Tensor:
        if (kind, number) not in self.loaded:
            self.loaded[kind, number] = pictures.pixels(self.folder, kind, number)
        return self.loaded[kind, number]


def _step(vae: Any, state: states.State, shards: _Shards, seed: int, steps: int) -> float:
    random = states.generator(seed, STAGE, state.step)
    states.set_learning_rate(state.optimizer, state.peak_rate * _slope(state.step, steps))
    x = to_input(shards.batch(state.step, random))  # (8, 3, 64, 64)
    mean = _mean(vae, x)  # (8, 8, 16, 16)
    noisy = mean + LATENT_NOISE * torch.randn(mean.shape, generator=random)
    loss = _loss(x, vae.decoder(vae.post_quant_conv(noisy)), mean)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.parameters, 1.0)
    state.optimizer.step()
    return loss.item()


def _loss(x: torch.Tensor, y: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Distance of colours, half that of their steps down and across, and that of each 4 x 4 patch's mean colour.

    The steps keep edges sharp; without the patches, hue twice, brands' colours came back as their neighbours.
    """
    down = (x.diff(dim=2) - y.diff(dim=2)).abs().mean()
    across = (x.diff(dim=3) - y.diff(dim=3)).abs().mean()
    patch = torch.nn.functional.avg_pool2d(x - y, 4)  # (8, 3, 16, 16)
    hue = patch - patch.mean(1, keepdim=True)
    colour = patch.abs().mean() + 2 * hue.abs().mean()
    return (x - y).abs().mean() + 0.5 * (down + across) + colour + 1e-3 * (mean**2).mean()


def _mean(vae: Any, x: torch.Tensor) -> torch.Tensor:
    moments: torch.Tensor = vae.quant_conv(vae.encoder(x))
    return moments[:, :LATENT_CHANNELS]


def _slope(step: int, steps: int) -> float:
    fall = 0.5 * (1 + math.cos(math.pi * step / steps))
    return min(1.0, (step + 1) / WARM_UP) * (0.97 * fall + 0.03)
