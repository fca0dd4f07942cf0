"""The fleet on Ray, as far as it can be asked without a cluster: which workers there should be, and that tokens are a must."""

from __future__ import annotations

import asyncio

import pytest

from cluster.ray_fleet import RayFleet, given_back, workers_of
from jobs.errors import Unauthorized


def node(name, alive=True, **resources):
    return {"NodeID": name * 8, "Alive": alive, "Resources": resources}


@pytest.mark.parametrize(
    ("nodes", "workers"),
    [
        ([node("a", CPU=2.0)], ["worker-aaaaaaaa-0"]),
        ([node("a", CPU=8.0, GPU=2.0)], ["worker-aaaaaaaa-0", "worker-aaaaaaaa-1"]),
        ([node("a"), node("b", CPU=1.0)], ["worker-bbbbbbbb-0"]),
        ([node("a", CPU=0.0), node("b", CPU=0.5)], []),
        ([node("a", alive=False, CPU=4.0, GPU=4.0)], []),
        ([node("a", GPU=1.0), node("b", CPU=4.0)], ["worker-aaaaaaaa-0", "worker-bbbbbbbb-0"]),
    ],
    ids=[
        "one per CPU node",
        "one per GPU",
        "none on a head without CPUs",
        "none on less than a CPU",
        "none on a dead node",
        "a mixed fleet",
    ],
)
def test_there_is_a_worker_per_gpu_or_else_one_per_node_with_cpus(nodes, workers):
    assert list(workers_of(nodes)) == workers


def test_a_node_that_tells_its_class_has_as_many_workers_as_it_has_of_it():
    pod = {"NodeID": "c" * 8, "Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0, "gpu-class:h100": 2.0}}
    small = {"NodeID": "d" * 8, "Alive": True, "Resources": {"gpu-class:cpu": 1.0}}
    places = workers_of([pod, small])
    assert [(place.gpu_class, place.gpu) for place in places.values()] == [
        ("h100", True),
        ("h100", True),
        ("cpu", False),
    ]


def test_a_worker_that_an_earlier_dispatcher_ended_is_given_back_and_one_that_was_never_made_is_not():
    pods = [{"NodeID": name * 8, "Alive": True, "Resources": {"gpu-class:cpu": 1.0}} for name in "abc"]
    places = workers_of([*pods, node("d", CPU=4.0)])
    dead = {f"worker-{name * 8}-0" for name in "abde"}
    there = {"worker-bbbbbbbb-0"}  # it was ended once, and made again since
    assert given_back(places, there, dead, frozenset({"cpu"})) == {"worker-aaaaaaaa-0": "cpu"}
    assert given_back(places, there, dead, frozenset()) == {}, "nobody would ever ask for it again"


@pytest.mark.parametrize("mode", [None, "", "disabled"])
def test_without_ray_tokens_it_does_not_even_connect(monkeypatch, mode):
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    if mode is not None:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with pytest.raises(Unauthorized, match="token"):
        asyncio.run(RayFleet.connect(address="127.0.0.1:1", namespace="n"))
