"""A recorded dataset as training reads it: latents, text embeddings and prior pictures, computed once and cached by content.

One picture, caption or batch of priors a turn. Knows no training; the caches may be swept at any time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from jobs import blobs, keys, publish
from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.bases.told import Frame, TextCondition
from jobs.errors import DatasetInvalid, KeyNotFound
from jobs.generation.priors import prior_latents, without_trigger
from jobs.identity import content_id
from jobs.ports import ObjectStore
from jobs.records import Picture
from jobs.shots import Sampling
from jobs.spec import TrainAsk
from jobs.training.prepared import PreparedDataset

PRIORS = 32
"""Prior pictures a training: in the trial 64 drawn ones stopped the leak onto the class; more only cost time."""
PRIOR_BATCH = 8
PRIOR_SAMPLING = Sampling(name="ddim", steps=20, guidance=3.0)

Turns = Generator[tuple[int, int], None, PreparedDataset]


def prepare(store: ObjectStore, base: Base, ask: TrainAsk) -> Turns:
    """Yields (done, total) after each bounded piece and returns the PreparedDataset.

    Raises DatasetInvalid where the dataset's record is gone, StoreUnavailable.
    """
    pictures = _pictures(store, ask.dataset)
    texts = sorted({one.caption for one in pictures})
    slices = _prior_slices(ask, texts)
    total, done = len(pictures) + len(texts) + len(slices), 0
    latents, told, priors = [], [], []
    for picture in pictures:
        latents.append(_latents_of(store, base, picture, ask.recipe.resolution))
        yield (done := done + 1), total
    for text in texts:
        told.append(_told(store, base, text))
        yield (done := done + 1), total
    for number, captions in enumerate(slices):
        priors.append(_priors(store, base, ask, captions, number))
        yield (done := done + 1), total
    return _assembled(store, base, pictures, texts, latents, told, slices, priors, ask.recipe.resolution)


def _assembled(
    store: ObjectStore,
    base: Base,
    pictures: Sequence[Picture],
    texts: Sequence[str],
    latents: Sequence[tuple[Tensor, Tensor]],
    told: Sequence[TextCondition],
    slices: Sequence[Sequence[str]],
    priors: Sequence[Tensor],
    side: int,
) -> PreparedDataset:
    empty = conditioning.as_negative(base, "", _told(store, base, ""))
    mean = torch.stack([mean for mean, _ in latents])
    prior_told = [_told(store, base, text) for captions in slices for text in captions]
    return PreparedDataset(
        mean=mean,
        std=torch.stack([std for _, std in latents]),
        captions=torch.stack([text.hidden for text in told]),
        caption_of=torch.tensor([texts.index(one.caption) for one in pictures]),
        empty=empty.hidden,
        prior_latents=torch.cat(list(priors)) if priors else mean.new_zeros(0, *mean.shape[1:]),
        prior_hidden=_stacked([text.hidden for text in prior_told], empty.hidden),
        captions_pooled=torch.stack([text.pooled for text in told]),
        empty_pooled=empty.pooled,
        prior_pooled=_stacked([text.pooled for text in prior_told], empty.pooled),
        frames=torch.tensor([_frame(picture, side) for picture in pictures]),
        prior_frames=torch.tensor([Frame.whole(side, side)]).expand(len(prior_told), -1),
    )


def _pictures(store: ObjectStore, dataset: str) -> list[Picture]:
    record = publish.read(store, keys.dataset(dataset))
    if record is None:
        raise DatasetInvalid(
            f"The dataset {dataset[:12]}... has no record in the store.",
            hint="Apply the manifest again, so that its source is taken in anew.",
        )
    return [Picture.model_validate(one) for one in blobs.get_json(store, record["pictures"])]


def _prior_slices(ask: TrainAsk, texts: Sequence[str]) -> list[list[str]]:
    """The captions of the prior pictures, without the trigger, in batches; none where the recipe wants none."""
    if ask.recipe.prior == 0:
        return []
    plain = sorted({without_trigger(text, ask.trigger) for text in texts})
    chosen = [plain[number % len(plain)] for number in range(PRIORS)]
    return [chosen[start : start + PRIOR_BATCH] for start in range(0, PRIORS, PRIOR_BATCH)]


def _latents_of(store: ObjectStore, base: Base, picture: Picture, resolution: int) -> tuple[Tensor, Tensor]:
    name = content_id("latent/1", {"pixels": picture.pixels, "base": base.digest, "resolution": resolution})

    def encode() -> dict[str, Tensor]:
        pixels = square(blobs.get(store, picture.image), resolution)
        mean, std = conditioning.encode_picture(base, pixels)
        return {"mean": mean, "std": std}

    found = _cached(store, name, encode)
    return found["mean"], found["std"]


def _told(store: ObjectStore, base: Base, text: str) -> TextCondition:
    name = content_id("text/1", {"text": text, "base": base.digest})

    def encode() -> dict[str, Tensor]:
        (encoded,) = conditioning.encode_texts(base, [text])
        parts = {"hidden": encoded.hidden, "pooled": encoded.pooled}
        return {part: tensor for part, tensor in parts.items() if tensor.numel()}

    found = _cached(store, name, encode)
    hidden = found["hidden"]
    return TextCondition(hidden, found.get("pooled", hidden.new_zeros(0)))


def _priors(store: ObjectStore, base: Base, ask: TrainAsk, captions: Sequence[str], number: int) -> Tensor:
    recipe = ask.recipe
    what = {
        "base": base.digest,
        "captions": list(captions),
        "seed": recipe.seed,
        "slice": number,
        "resolution": recipe.resolution,
        "sampling": PRIOR_SAMPLING.model_dump(),
    }

    def draw() -> dict[str, Tensor]:
        seed = int(content_id("prior-slice/1", {"seed": recipe.seed, "slice": number})[:12], 16)
        side = recipe.resolution
        drawn, _ = prior_latents(
            base, captions, seed, len(captions), PRIOR_SAMPLING, width=side, height=side, batch_size=PRIOR_BATCH
        )
        return {"latents": drawn}

    return _cached(store, content_id("prior/1", what), draw)["latents"]


def _cached(store: ObjectStore, name: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What the cache holds; computed now, and kept, where it holds nothing or something broken."""
    try:
        return load_tensors(store.get(keys.cache(name)))
    except (KeyNotFound, SafetensorError):
        made = {key: value.detach().cpu().contiguous() for key, value in compute().items()}
        store.put(keys.cache(name), save_tensors(made))
        return made


def _stacked(tensors: Sequence[Tensor], like: Tensor) -> Tensor:
    return torch.stack(list(tensors)) if tensors else like.new_zeros(0, *like.shape)


def _frame(picture: Picture, side: int) -> Frame:
    """How `square` cuts a picture."""
    _, (left, top) = _cut((picture.width, picture.height), side)
    return Frame(picture.height, picture.width, top, left, side, side)


def _cut(size: tuple[int, int], side: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size (width, height) at which a picture covers the square, and the corner (left, top) from which it is cut."""
    scale = side / min(size)
    width, height = (max(side, round(length * scale)) for length in size)
    return (width, height), ((width - side) // 2, (height - side) // 2)


def square(png: bytes, side: int) -> Tensor:
    """A picture [3, side, side] in [0, 1]: scaled to cover the square, cut around the centre."""
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    size, (left, top) = _cut(picture.size, side)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    pixels = np.array(picture.crop((left, top, left + side, top + side)), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
