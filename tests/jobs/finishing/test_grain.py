"""The grain is white, of unit variance, and the same everywhere for the same seed."""

from __future__ import annotations

import hashlib

import pytest
import torch

from jobs.finish_steps import Grain
from jobs.finishing import grain

CPU = torch.device("cpu")
SIDE = 256
# White noise of n values: the mean strays by 1/sqrt(n), the variance by about sqrt(2/n).
MEAN_TOLERANCE = 5 / SIDE
VARIANCE_TOLERANCE = 5 * 1.42 / SIDE

GOLDEN_SUMS = [602, 495, 601, 456, 548, 562]
GOLDEN_DIGEST = "8d0ad0c9544873b1400b22df2cfbb60de4d6161c8a3cb00b0f078d06cca9b92e"


def coloured(seed: int = 11, side: int = SIDE, **step: float) -> torch.Tensor:
    return grain.coloured_field(Grain(**step), seed, 0, side, side, CPU)


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def share_of_low_frequencies(field: torch.Tensor) -> float:
    power = torch.fft.fft2(field).abs() ** 2
    frequencies = torch.fft.fftfreq(field.shape[0])
    low = (frequencies[:, None].abs() < 0.125) & (frequencies[None, :].abs() < 0.125)
    return float(power[low].sum() / power.sum())


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 5])
@pytest.mark.parametrize("number", [0, 3])
def test_a_white_field_has_zero_mean_unit_variance_and_no_neighbours(seed: int, number: int) -> None:
    field = grain.white_field(seed, number, SIDE, SIDE, CPU)
    assert float(field.mean()) == pytest.approx(0, abs=MEAN_TOLERANCE)
    assert float(field.var()) == pytest.approx(1, abs=VARIANCE_TOLERANCE)
    assert correlation(field[:, 1:], field[:, :-1]) == pytest.approx(0, abs=MEAN_TOLERANCE)
    assert correlation(field[1:], field[:-1]) == pytest.approx(0, abs=MEAN_TOLERANCE)
    assert float((field.mean(dim=0) * SIDE**0.5).var()) == pytest.approx(1, abs=0.5)  # no stripes


def test_the_field_never_changes_between_releases_or_devices() -> None:
    # The same figures are asked of CUDA in tests/gpu. A change here changes every finished picture.
    field = grain.white_field(2026, 2, 64, 64, CPU)
    first_sums = [round(value * 21845**0.5) + 510 for value in field[0, :6].tolist()]
    assert first_sums == GOLDEN_SUMS
    assert hashlib.sha256(field.numpy().tobytes()).hexdigest() == GOLDEN_DIGEST


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5, 2.0, 3.7])
@pytest.mark.parametrize("saturation", [0.0, 0.6, 1.0])
def test_every_channel_keeps_unit_variance_at_any_scale_and_saturation(scale: float, saturation: float) -> None:
    fields = coloured(scale=scale, saturation=saturation)
    looser = max(1.0, scale)  # coarser grain has fewer independent values
    for channel in fields:
        assert float(channel.mean()) == pytest.approx(0, abs=MEAN_TOLERANCE * looser)
        assert float(channel.var()) == pytest.approx(1, abs=VARIANCE_TOLERANCE * looser)


def test_the_variance_is_one_at_every_pixel_so_that_no_lattice_shows() -> None:
    many = torch.stack([coloured(seed, side=12, scale=2.6, saturation=0)[0] for seed in range(250)])
    assert float(many.var(dim=0).min()) > 0.6
    assert float(many.var(dim=0).max()) < 1.45


def test_grain_without_saturation_is_the_same_in_all_channels() -> None:
    red, green, blue = coloured(saturation=0)
    assert torch.equal(red, green)
    assert torch.equal(green, blue)


def test_fully_saturated_grain_is_independent_in_each_channel() -> None:
    red, green, blue = coloured(saturation=1)
    for one, other in ((red, green), (green, blue), (blue, red)):
        assert correlation(one, other) == pytest.approx(0, abs=MEAN_TOLERANCE)


def test_half_saturated_grain_shares_what_its_formula_says() -> None:
    red, green, _ = coloured(saturation=0.6)
    assert correlation(red, green) == pytest.approx(1 - 0.6**2, abs=MEAN_TOLERANCE)


def test_a_larger_scale_is_coarser() -> None:
    shares = [share_of_low_frequencies(coloured(scale=scale)[0]) for scale in (1, 2, 4)]
    assert shares[0] == pytest.approx(1 / 16, abs=0.02)  # white: a quarter of either axis
    assert shares[0] < shares[1] / 2
    assert shares[1] < shares[2]


def test_another_seed_or_layer_is_another_grain() -> None:
    step = Grain()
    one = grain.coloured_field(step, 5, 0, SIDE, SIDE, CPU)
    for seed, layer in ((6, 0), (5, 1), (5 + 2**32, 0), (-5, 0)):
        other = grain.coloured_field(step, seed, layer, SIDE, SIDE, CPU)
        assert correlation(one, other) == pytest.approx(0, abs=MEAN_TOLERANCE)
    assert torch.equal(one, grain.coloured_field(step, 5, 0, SIDE, SIDE, CPU))


def test_grain_deviates_by_power_times_unit_at_mid_grey() -> None:
    grey = torch.full((3, SIDE, SIDE), 0.5, dtype=torch.float64)
    added = grain.apply(grey, Grain(power=0.2), seed=1) - grey
    assert float(added.std()) == pytest.approx(0.2 * grain.POWER_UNIT, rel=0.02)


@pytest.mark.parametrize(
    ("level", "extra", "weight"),
    [
        (0.25, {}, 4 * 0.25 * 0.75),
        (0.25, {"shadows": 0.5}, 4 * 0.25 * 0.75 + 0.5 * 0.75**2),
        (0.75, {"highlights": 0.5}, 4 * 0.25 * 0.75 + 0.5 * 0.75**2),
    ],
)
def test_the_weight_follows_luminance(level: float, extra: dict[str, float], weight: float) -> None:
    flat = torch.full((3, 16, 16), level, dtype=torch.float64)
    step = Grain(power=0.1, **extra)
    expected = (flat + 0.1 * grain.POWER_UNIT * weight * grain.coloured_field(step, 3, 0, 16, 16, CPU)).clamp(0, 1)
    assert torch.allclose(grain.apply(flat, step, seed=3), expected, rtol=0, atol=1e-12)


def test_black_and_white_stay_clean_unless_asked() -> None:
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64).expand(3, 8, 2)
    assert torch.allclose(grain.apply(ends, Grain(power=1), seed=3), ends, rtol=0, atol=1e-14)
    assert float(grain.apply(ends, Grain(power=1, shadows=1), seed=3)[:, :, 0].max()) > 0.05


def test_grain_of_no_power_returns_the_very_picture() -> None:
    picture = torch.rand(3, 4, 4, dtype=torch.float64)
    assert grain.apply(picture, Grain(power=0), seed=1) is picture
