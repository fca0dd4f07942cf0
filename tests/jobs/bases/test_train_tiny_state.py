"""A training of the tiny base that was stopped goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import torch

from jobs.bases import train_tiny_state as states


def fresh_state() -> states.State:
    torch.manual_seed(1)
    network = torch.nn.Linear(4, 2)
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=0.1)
    return states.State(parameters, optimizer, [p.detach().clone() for p in parameters])


def train(state: states.State, until: int) -> None:
    while state.step < until:
        random = states.generator(seed=5, stage=1, step=state.step)
        loss = sum(((p - torch.randn(p.shape, generator=random)) ** 2).sum() for p in state.parameters)
        state.optimizer.zero_grad()
        torch.as_tensor(loss).backward()
        state.optimizer.step()
        state.average(0.9)
        state.step += 1


def test_a_resumed_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    straight, stopped, resumed = fresh_state(), fresh_state(), fresh_state()
    train(straight, until=9)
    train(stopped, until=4)
    stopped.save(tmp_path / "state.safetensors")
    resumed.begin(tmp_path / "state.safetensors", steps=9)
    train(resumed, until=9)
    for name in ("parameters", "averages"):
        pairs = zip(getattr(straight, name), getattr(resumed, name), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_a_changed_plan_is_written_down_with_the_step_it_changed_at(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    first = fresh_state()
    first.begin(file, steps=100)
    train(first, until=3)
    first.save(file)
    second = fresh_state()
    second.begin(file, steps=80)
    second.save(file)
    assert states.read_notes(file)["plan"] == [[0, 100], [3, 80]]


def test_a_cut_while_saving_leaves_the_older_state(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    state = fresh_state()
    state.save(file)
    (tmp_path / "state.part").write_bytes(b"half a file")
    again = fresh_state()
    again.begin(file, steps=1)
    assert again.step == 0


def test_swapping_the_averages_twice_changes_nothing() -> None:
    state = fresh_state()
    train(state, until=3)
    before = [p.detach().clone() for p in state.parameters]
    state.swap_averages()
    assert not torch.equal(before[0], state.parameters[0])
    state.swap_averages()
    assert torch.equal(before[0], state.parameters[0])
