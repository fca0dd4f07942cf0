"""Workers as detached, named Ray actors, one per GPU or, where there is none, one per node. The only door to Ray.

Ray gives nodes, resources, actors and restarts; the queue and the leases are not its business. A worker holds its node for as
long as it is there: a node that is to go is one whose workers were ended first.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import ray
import ray.autoscaler.sdk
import ray.exceptions
import ray.util
import structlog
from ray._private import state as ray_state
from ray._private import worker as ray_worker
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster import departure, logs
from cluster.ports import EventBatch, Hello
from cluster.worker import Worker
from jobs import failpoints
from jobs.errors import HeadLost, StaleEpoch, Unauthorized, WorkerDied, WorkerLost
from jobs.spec import Job

PREFIX = "worker-"
ANSWER_SECONDS = 10.0  # a control call answers in milliseconds; after this long the worker counts as silent
NOTICE_SECONDS = 0.3  # until Ray's head has heard of a process that died
WORKBENCH = "cluster.bench:open_workbench"
GPU_CLASS = "gpu-class:"
"""A node's class is the name of a resource that begins so; it has as many of it as it should have workers of that class."""

_DEAD = ("RESTARTING", "DEAD")
"""What Ray's head says of an actor whose process has ended; a real worker takes a while to be there again."""

log = structlog.get_logger("ray_fleet")


@dataclass(frozen=True)
class WorkerOptions:
    """What every worker of this fleet is started with. `workbench` names a function by module:name; `options` are its own."""

    workbench: str = WORKBENCH
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


class WorkerActor:
    """The worker inside its Ray actor; values cross the border as JSON."""

    def __init__(self, name: str, workbench: str, options: str, gpu_class: str) -> None:
        logs.to_stderr_as_json("worker")
        failpoints.arm_from_environment()
        module, function = workbench.split(":")
        given = json.loads(options)

        def open_workbench() -> Any:
            return getattr(importlib.import_module(module), function)(**given)

        self._worker = Worker(name, open_workbench, gpu_class)
        departure.open_door(name, self._worker.leave, departure.folder())
        self._worker.start()

    async def hello(self, epoch: int) -> str:
        return _told(lambda: self._worker.hello(epoch).model_dump(mode="json"))

    async def begin(self, epoch: int, job: str, attempt: int) -> str:
        return _told(lambda: self._worker.begin(epoch, Job.model_validate_json(job), attempt))

    async def stop(self, epoch: int, job: str, at_checkpoint: bool) -> str:
        return _told(lambda: self._worker.stop(epoch, job, at_checkpoint))

    async def events(self, epoch: int, after: int, wait_seconds: float) -> str:
        try:
            batch = await self._worker.events(epoch, after, wait_seconds)
        except StaleEpoch as stale:
            return json.dumps({"stale": stale.message})
        return json.dumps({"value": batch.model_dump(mode="json")})

    async def leave(self) -> str:
        return _told(lambda: asdict(self._worker.leave()))

    async def pid(self) -> int:
        """The process id, for tests that kill or freeze it."""
        return os.getpid()

    async def close(self) -> None:
        """Checkpoint and stop working. A worker that holds nothing has nothing to keep, and may be long in opening."""
        if self._worker.holds_anything():
            await asyncio.to_thread(self._worker.close)


def _told(do: Callable[[], Any]) -> str:
    try:
        return json.dumps({"value": do()})
    except StaleEpoch as stale:
        return json.dumps({"stale": stale.message})


class RayFleet:
    """The fleet on a Ray cluster. Build it with `connect`."""

    def __init__(self, namespace: str, options: WorkerOptions, home: str, sized: Iterable[str] = ()) -> None:
        """home: the node that this process joined. sized: the classes whose workers come and go with what is wished."""
        self._sized: frozenset[str] | None = frozenset(sized)  # until the first look
        self._home = home
        self._namespace = namespace
        self._options = options
        self._actors: dict[str, Any] = {}
        self._places: dict[str, Place] = {}
        self._looking: asyncio.Future[tuple[list[str], list[str]]] | None = None
        self._ended: set[str] = set()  # workers that have left a node that drains
        self._released: dict[str, str] = {}  # by worker that was ended for its node to go, its class

    @classmethod
    async def connect(
        cls, *, address: str, namespace: str, options: WorkerOptions | None = None, sized: Iterable[str] = ()
    ) -> RayFleet:
        """Join a Ray cluster as a driver. Raises WorkerLost where none answers at the address, Unauthorized without a token."""
        if os.environ.get("RAY_AUTH_MODE") != "token":
            raise Unauthorized(
                "Ray would run without tokens here: whoever reaches its ports could run code as this farm.",
                hint="Set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN for Ray's head, its nodes and the dispatcher.",
            )
        try:
            ray.init(address=address, namespace=namespace, logging_level=logging.WARNING, log_to_driver=False)
        except (ConnectionError, TimeoutError, RuntimeError, ValueError, ray.exceptions.RayError) as failed:
            raise WorkerLost(
                f"No Ray cluster answers at {address}: {failed}", hint="Is its head running? `brandfarm up` starts one."
            ) from failed
        return cls(namespace, options or WorkerOptions(), ray.get_runtime_context().get_node_id(), sized)

    async def workers(self) -> list[str]:
        """Every worker there should be on the nodes that are alive; missing ones are made, those of dead nodes dropped.

        Those on a node that Ray drains are told to leave; one that holds nothing any more is ended.
        """
        there, draining = await self._look()
        left = await asyncio.gather(*(self._has_left(one) for one in draining))
        return sorted(set(there) - {one for one, has_left in zip(draining, left, strict=True) if has_left})

    async def hello(self, worker: str, epoch: int) -> Hello:
        return Hello.model_validate(await self._ask(worker, "hello", epoch))

    async def begin(self, worker: str, epoch: int, job: Job, attempt: int) -> None:
        await self._ask(worker, "begin", epoch, job.model_dump_json(), attempt)

    async def events(self, worker: str, epoch: int, after: int, wait_seconds: float) -> EventBatch:
        answer = await self._ask(worker, "events", epoch, after, wait_seconds, patience=wait_seconds + ANSWER_SECONDS)
        return EventBatch.model_validate(answer)

    async def stop(self, worker: str, epoch: int, job: str, at_checkpoint: bool) -> None:
        await self._ask(worker, "stop", epoch, job, at_checkpoint)

    async def wish(self, workers: Mapping[str, int]) -> None:
        """Ask the autoscaler for nodes: the last word counts, as a total. Where there is none, nobody listens."""
        self._released = {name: kind for name, kind in self._released.items() if kind not in workers}
        bundles = [{f"{GPU_CLASS}{kind}": 1} for kind, count in sorted(workers.items()) for _ in range(count)]
        try:
            await asyncio.to_thread(ray.autoscaler.sdk.request_resources, bundles=bundles)
        except (RuntimeError, ray.exceptions.RayError) as failed:
            raise WorkerLost(
                f"Ray's head could not be asked for nodes: {failed}", hint="It is asked again."
            ) from failed

    async def release(self, worker: str) -> None:
        self._released[worker] = self._places[worker].gpu_class if worker in self._places else ""
        if worker in self._actors:
            await self._dismiss(worker)

    async def close(self) -> None:
        """Leave the cluster; the workers live on."""
        await asyncio.to_thread(ray.shutdown)

    async def dismiss(self) -> None:
        """End every worker for good, letting each keep what it can."""
        await asyncio.gather(*(self._dismiss(name) for name in list(self._actors)))

    async def _dismiss(self, name: str) -> None:
        actor = self._actors.pop(name)
        try:
            await asyncio.wait_for(actor.close.remote(), ANSWER_SECONDS)
        except (TimeoutError, ray.exceptions.RayError) as failed:
            log.warning("worker did not close", worker=name, error=str(failed))
        await asyncio.to_thread(ray.kill, actor, no_restart=True)

    async def _look(self) -> tuple[list[str], list[str]]:
        """What `_ensure` finds. One look at a time: a head that is gone is waited for by Ray itself, for a minute and more."""
        self._looking = self._looking or asyncio.ensure_future(asyncio.to_thread(self._ensure))
        done, _ = await asyncio.wait([self._looking], timeout=ANSWER_SECONDS)
        if done:
            looked, self._looking = self._looking, None
            return looked.result()
        joined: Any = ray_worker._global_node
        if not await asyncio.to_thread(_listens, joined.raylet_socket_name):
            raise HeadLost("Ray's processes beside this one are gone.", hint="Started again, it joins the new ones.")
        raise WorkerLost(f"Ray's head has not answered within {ANSWER_SECONDS:.0f} s.", hint="It is waited for.")

    async def _has_left(self, name: str) -> bool:
        """Whether a worker on a node that drains is no more; it is told to leave, and ended once it was heard that it has."""
        try:
            leaving = await self._ask(name, "leave")
        except WorkerLost as lost:
            return isinstance(lost, WorkerDied)
        if leaving["held"] or leaving["untold"]:
            return False
        log.info("worker has left a node that drains", worker=name)
        self._ended.add(name)
        await self._dismiss(name)
        return True

    def _ensure(self) -> tuple[list[str], list[str]]:
        """The workers there are, and which of them are on nodes that drain."""
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        if not any(node["NodeID"] == self._home and node["Alive"] for node in nodes):
            raise HeadLost(
                "The Ray node that this process had joined is gone.", hint="Started again, it joins the new one."
            )
        self._places = workers_of(nodes)
        drained = ray_state.state.get_draining_nodes()
        there = {one for one in ray.util.list_named_actors() if one.startswith(PREFIX)}
        for name in there - self._places.keys():
            self._drop(name)
        self._released = {name: kind for name, kind in self._released.items() if name in self._places}
        if self._sized is not None:
            dead = ray_state.state.actor_table(None, actor_state_name="DEAD").values() if self._sized else ()
            self._released |= given_back(self._places, there, {one["Name"] for one in dead}, self._sized)
            self._sized = None
        wanted, draining = [], []
        for name, place in self._places.items():
            if place.node in drained:
                draining += [name] if name in there and self._is_known(name) else []
            elif name not in self._released:
                wanted.append(name)
                if name not in self._actors or name not in there:
                    self._actors[name] = self._make(name, place)
        return sorted(wanted + draining), draining

    def _is_known(self, name: str) -> bool:
        """Whether a worker that there is can be asked; one that was ended is listed for a while."""
        if name not in self._actors and name not in self._ended:
            try:
                self._actors[name] = ray.get_actor(name, namespace=self._namespace)
            except ValueError:
                log.debug("already gone", worker=name)
        return name in self._actors

    def _make(self, name: str, place: Place) -> Any:
        actor = ray.remote(WorkerActor).options(
            name=name,
            namespace=self._namespace,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            max_concurrency=64,
            num_cpus=0,
            num_gpus=1 if place.gpu else 0,
            resources={f"{GPU_CLASS}{place.gpu_class}": 1} if place.gpu_class else {},
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=place.node, soft=False),
            runtime_env={"env_vars": self._options.environment},
        )
        return actor.remote(name, self._options.workbench, json.dumps(self._options.options), place.gpu_class)

    def _drop(self, name: str) -> None:
        log.info("worker's node is gone", worker=name)
        self._actors.pop(name, None)
        try:
            ray.kill(ray.get_actor(name, namespace=self._namespace), no_restart=True)
        except ValueError:
            log.debug("already gone", worker=name)

    async def _ask(self, worker: str, method: str, *arguments: Any, patience: float = ANSWER_SECONDS) -> Any:
        actor = self._actors.get(worker)
        if actor is None:
            raise WorkerLost(f"Worker {worker} is not there.", hint="Its jobs go to another worker.")
        call: Awaitable[str] = getattr(actor, method).remote(*arguments)
        try:
            answer = json.loads(await asyncio.wait_for(call, patience))
        except TimeoutError as silent:
            raise WorkerLost(f"Worker {worker} did not answer {method} within {patience:.0f} s.") from silent
        except ray.exceptions.RayError as lost:
            raise await _explained(worker, actor, lost) from lost
        if "stale" in answer:
            raise StaleEpoch(answer["stale"])
        return answer["value"]


def _listens(path: str) -> bool:
    """Whether a process listens at a socket; one that is only slow does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(ANSWER_SECONDS)
        try:
            caller.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except TimeoutError:
            return True
    return True


async def _explained(worker: str, actor: Any, lost: ray.exceptions.RayError) -> WorkerLost:
    """Whether a worker that Ray could not ask is dead, by what Ray's head knows, or perhaps only out of reach."""
    await asyncio.sleep(NOTICE_SECONDS)
    said = f"Worker {worker} is gone: {type(lost).__name__}."
    try:
        known = await asyncio.to_thread(ray_state.actors, actor._actor_id.hex())
    except (RuntimeError, ray.exceptions.RayError) as headless:
        return WorkerLost(f"{said} Ray's head does not answer: {headless}", hint="Ray restarts it.")
    if known.get("State") in _DEAD:
        return WorkerDied(said, hint="Ray restarts it; its jobs go to other workers at once.")
    return WorkerLost(said, hint="Ray restarts it.")


@dataclass(frozen=True)
class Place:
    """Where a worker should be: its node, whether it has a GPU of its own there, and the node's class."""

    node: str
    gpu: bool
    gpu_class: str


def workers_of(nodes: list[dict[str, Any]]) -> dict[str, Place]:
    """By name, the workers that these Ray nodes should carry: as many as a node has of its class; where it has none, one per
    GPU; one on a node with CPUs only; none on a head without either."""
    places = {}
    for node in nodes:
        if not node["Alive"]:
            continue
        resources = node["Resources"]
        gpus, cpus = int(resources.get("GPU", 0)), resources.get("CPU", 0)
        gpu_class, of_class = _class_of(resources)
        for number in range(of_class or gpus or (1 if cpus >= 1 else 0)):
            places[f"{PREFIX}{node['NodeID'][:8]}-{number}"] = Place(node["NodeID"], number < gpus, gpu_class)
    return places


def given_back(places: Mapping[str, Place], there: set[str], dead: set[str], sized: frozenset[str]) -> dict[str, str]:
    """By name, the class of the workers that an earlier dispatcher ended for their nodes to go: not made again unasked.

    Ray restarts what crashes; of a worker that was ended it keeps the name among the dead.
    """
    ended = (name for name in places if name in dead and name not in there)
    return {name: places[name].gpu_class for name in ended if places[name].gpu_class in sized}


def _class_of(resources: Mapping[str, float]) -> tuple[str, int]:
    """A node's class and how many workers of it there should be; nothing where it was not told."""
    told = sorted(name for name in resources if name.startswith(GPU_CLASS))
    return (told[0].removeprefix(GPU_CLASS), int(resources[told[0]])) if told else ("", 0)
