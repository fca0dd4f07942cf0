"""The bank against PEFT: the same adapters, the same outputs, and a UNet that stays itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict, inject_adapter_in_model
from torch import Tensor

from jobs.adapters.bank import NO_ADAPTER, Bank
from jobs.adapters.layout import Layout
from jobs.adapters.targets import lora_config
from jobs.errors import RecipeInvalid
from tests.jobs.adapters.small_unet import adapter, inputs, small_unet, with_peft

EXACT = 1e-12
SETS = ("attention", "default", "conv")


def run(unet: Any, given: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    with torch.no_grad():
        return unet(given[0], given[1], given[2], return_dict=False)[0]


def pick(given: tuple[Tensor, Tensor, Tensor], samples: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    return given[0][samples], given[1][samples], given[2][samples]


@pytest.fixture
def unet() -> Any:
    return small_unet()


@pytest.mark.parametrize("targets", SETS)
def test_a_layout_names_exactly_the_layers_that_peft_would_adapt(unet: Any, targets: str) -> None:
    layout = Layout.of(unet, targets, rank=2)
    injected = small_unet()
    inject_adapter_in_model(lora_config(targets, 2, 2.0), injected)
    theirs = {f"unet.{key}": value.shape for key, value in get_peft_model_state_dict(injected).items()}
    ours = layout.unpack(torch.zeros(layout.width), rank=2, names=layout.names)
    assert {key: value.shape for key, value in ours.items()} == theirs


@pytest.mark.parametrize("targets", SETS)
def test_each_sample_gets_its_own_adapter_as_peft_would_apply_it_alone(unet: Any, targets: str) -> None:
    ranks, alphas = (2, 3, 4), (2.0, 6.0, 1.0)
    bank = Bank(unet, Layout.of(unet, targets, rank=4), slots=3)
    adapters = [adapter(unet, targets, rank, seed) for seed, rank in enumerate(ranks)]
    for slot, tensors in enumerate(adapters):
        bank.load(slot, tensors, alphas[slot])
    given = inputs(5)
    with bank.rows(torch.tensor([2, NO_ADAPTER, 0, 1, 2])):
        mixed = run(unet, given)
    for slot, tensors in enumerate(adapters):
        alone = small_unet()
        with_peft(alone, tensors, targets, ranks[slot], alphas[slot], "default")
        samples = [index for index, row in enumerate([2, NO_ADAPTER, 0, 1, 2]) if row == slot]
        assert (run(alone, pick(given, samples)) - mixed[samples]).abs().max() < EXACT
    assert (run(unet, pick(given, [1])) - mixed[[1]]).abs().max() < EXACT


@pytest.mark.parametrize("targets", SETS)
def test_a_row_for_each_sample_and_a_row_for_each_group_agree(unet: Any, targets: str) -> None:
    bank = Bank(unet, Layout.of(unet, targets, rank=2), slots=2)
    for slot in range(2):
        bank.load(slot, adapter(unet, targets, 2, slot))
    given = inputs(6)
    with bank.rows(torch.tensor([0, 0, 0, 1, 1, 1])):
        gathered = run(unet, given)
    with bank.rows(torch.tensor([0, 1]), each=3):
        grouped = run(unet, given)
    assert (gathered - grouped).abs().max() < EXACT


def test_strengths_scale_each_samples_adapter_and_zero_is_exactly_none(unet: Any) -> None:
    tensors = adapter(unet, "default", 2, 0)
    bank = Bank(unet, Layout.of(unet, "default", rank=2), slots=2)
    bank.load(0, tensors, alpha=2.0)
    bank.load(1, tensors, alpha=1.4)
    given = inputs(3)
    with bank.rows(torch.tensor([0, 0, NO_ADAPTER]), strengths=torch.tensor([0.7, 0.0, 1.0], dtype=torch.float64)):
        mixed = run(unet, given)
    with bank.rows(torch.tensor([1, NO_ADAPTER, NO_ADAPTER])):
        expected = run(unet, given)
    assert (mixed - expected).abs().max() < EXACT
    assert torch.equal(mixed[1:], run(unet, given)[1:])


def test_several_adapters_on_one_image_add_up_as_peft_adds_them(unet: Any) -> None:
    first, second = adapter(unet, "conv", 2, 0), adapter(unet, "conv", 3, 1)
    bank = Bank(unet, Layout.of(unet, "conv", rank=3), slots=2)
    bank.load(0, first)
    bank.load(1, second)
    given = inputs(2)
    with bank.rows(
        torch.tensor([[0, 1], [1, NO_ADAPTER]]), strengths=torch.tensor([[0.5, 0.8], [1.0, 1.0]], dtype=torch.float64)
    ):
        mixed = run(unet, given)
    both = small_unet()
    with_peft(both, first, "conv", 2, 2.0, "first")
    with_peft(both, second, "conv", 3, 3.0, "second")
    for sample, (names, weights) in enumerate([(["first", "second"], [0.5, 0.8]), (["second"], [1.0])]):
        both.set_adapters(names, weights)
        assert (run(both, pick(given, [sample])) - mixed[[sample]]).abs().max() < EXACT


def test_a_smaller_adapter_in_a_wider_bank_comes_back_as_it_was(unet: Any) -> None:
    bank = Bank(unet, Layout.of(unet, ("default", "conv"), rank=8), slots=2)
    tensors = adapter(unet, "default", 3, 0)
    bank.load(1, tensors, alpha=6.0)
    bank.copy(1, 0)
    state = bank.state(0)
    assert state.keys() == tensors.keys()
    assert all(torch.equal(state[key], tensors[key]) for key in tensors)
    assert (bank.held(0).rank, bank.held(0).scale) == (3, 2.0)


def test_a_cleared_slot_adds_nothing_and_is_free_again(unet: Any) -> None:
    bank = Bank(unet, Layout.of(unet, "default", rank=2), slots=2)
    bank.load(0, adapter(unet, "default", 2, 0))
    assert bank.free() == [1]
    bank.clear(0)
    given = inputs(2)
    with bank.rows(torch.tensor([0, 0])):
        assert torch.equal(run(unet, given), run(unet, given))
        cleared = run(unet, given)
    assert torch.equal(cleared, run(unet, given))
    assert bank.free() == [0, 1]


def test_outside_of_rows_and_after_detach_the_unet_is_as_it_was(unet: Any) -> None:
    given, keys = inputs(2), list(unet.state_dict())
    before = run(unet, given)
    bank, other = (Bank(unet, Layout.of(unet, "conv", rank=2), slots=1) for _ in range(2))
    for one in (bank, other):
        one.load(0, adapter(unet, "conv", 2, 0))
    with bank.rows(torch.tensor([0, 0])):
        only_one = run(unet, given)
    assert torch.equal(run(unet, given), before)
    other.detach()
    with bank.rows(torch.tensor([0, 0])):
        assert torch.equal(run(unet, given), only_one)
    bank.detach()
    assert torch.equal(run(unet, given), before)
    assert list(unet.state_dict()) == keys
    assert not any(module._forward_hooks for module in unet.modules())


@pytest.mark.parametrize("targets", SETS)
def test_the_gradient_of_a_row_is_what_peft_computes_alone(unet: Any, targets: str) -> None:
    ranks, alphas, each = (2, 4), (1.0, 4.0), 2
    bank = Bank(unet, Layout.of(unet, targets, rank=4), slots=2, trainable=True)
    adapters = [adapter(unet, targets, rank, seed) for seed, rank in enumerate(ranks)]
    for slot, tensors in enumerate(adapters):
        bank.load(slot, tensors, alphas[slot])
    given = inputs(4)
    with bank.rows(torch.tensor([0, 1]), each=each) as active:
        unet(*given, return_dict=False)[0].square().sum().backward()
    gradient = active.gradient()
    for slot, tensors in enumerate(adapters):
        alone = small_unet()
        with_peft(alone, tensors, targets, ranks[slot], alphas[slot], "default")
        own = [slot * each, slot * each + 1]
        alone(*pick(given, own), return_dict=False)[0].square().sum().backward()
        grads = {name: p.grad for name, p in alone.named_parameters() if p.grad is not None}
        ours = bank.layout.unpack(gradient[slot], ranks[slot], bank.layout.names)
        for name, found in ours.items():
            theirs = grads[name.removeprefix("unet.").replace(".weight", ".default.weight")]
            assert (found - theirs).abs().max() < EXACT


def test_a_bank_in_float32_serves_a_unet_in_half_precision_numbers() -> None:
    unet = small_unet(torch.bfloat16)
    bank = Bank(unet, Layout.of(unet, "default", rank=2), slots=1, dtype=torch.float32, trainable=True)
    bank.load(0, adapter(unet, "default", 2, 0))
    with bank.rows(torch.tensor([0]), each=2) as active:
        unet(*inputs(2, torch.bfloat16), return_dict=False)[0].float().square().sum().backward()
    assert active.gradient().dtype == torch.float32
    assert active.gradient().abs().max() > 0


def test_what_does_not_fit_is_refused_aloud(unet: Any) -> None:
    bank = Bank(unet, Layout.of(unet, "attention", rank=2), slots=1)
    with pytest.raises(RecipeInvalid, match="does not exist"):
        Layout.of(unet, "everything", rank=2)
    with pytest.raises(RecipeInvalid, match="names no layer"):
        Layout.of(torch.nn.Linear(2, 2), "default", rank=2)
    with pytest.raises(RecipeInvalid, match="rank 0"):
        Layout.of(unet, "default", rank=0)
    with pytest.raises(RecipeInvalid, match="does not fit"):
        bank.load(0, adapter(unet, "attention", 3, 0))
    with pytest.raises(RecipeInvalid, match="foreign"):
        bank.load(0, adapter(unet, "default", 2, 0))
    lame = adapter(unet, "attention", 2, 0)
    del lame[next(name for name in lame if "lora_B" in name)]
    with pytest.raises(RecipeInvalid, match="partner"):
        bank.load(0, lame)
    with pytest.raises(RecipeInvalid, match="ranks"):
        bank.load(0, {})
    assert bank.free() == [0]
