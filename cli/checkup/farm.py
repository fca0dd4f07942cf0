"""The farm of a folder: its files, its processes, its dispatcher and workers, its store, and what an earlier one left.

Works with the farm down. Whatever raises becomes a finding.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel

from cli import records, running
from cli.checkup.finding import Finding, Verdict, failed, not_proven, passed, warned
from cli.farm import Farm
from cli.local_farm import LEAST_FREE_BYTES, is_alive
from cluster import store_doctor, store_url, stores
from cluster.clocks import MachineClock
from cluster.farm_home import Endpoint, FarmHome
from cluster.ports import Summary
from cluster.store_doctor import Verdict as StoreVerdict
from jobs.errors import FarmDown, FarmError
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, VersionRecord

UP = "Start it with `brandfarm up`."
WORKERS_COME_SECONDS = 180.0  # a busy machine takes a minute and more to import torch
RECORDS_READ = 20  # of each kind; a newer release shows in any of them
RECORDS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("record/version/", VersionRecord),
    ("record/campaign/", CampaignRecord),
)
_VERDICTS = {
    StoreVerdict.PASSED: Verdict.PASSED,
    StoreVerdict.FAILED: Verdict.FAILED,
    StoreVerdict.NOT_PROVEN: Verdict.NOT_PROVEN,
}


def findings(home: FarmHome, farm: Farm) -> list[Finding]:
    """All of a farm, in order."""
    endpoint = _endpoint(home)
    return [
        release(endpoint),
        folder(home),
        disk(home),
        supervisor(home, endpoint),
        *parts(home, endpoint),
        *answers(farm, endpoint),
        *store(home),
        leftovers(home),
    ]


def _endpoint(home: FarmHome) -> Endpoint | None:
    try:
        return home.endpoint()
    except FarmDown:
        return None


def release(endpoint: Endpoint | None) -> Finding:
    """Whether the farm that runs is of the release of this command."""
    ours = metadata.version("brandfarm")
    if endpoint is None:
        return passed("brandfarm", ours)
    if endpoint.version != ours:
        told = f"this command is {ours}, the farm that runs is {endpoint.version or 'older than 0.1.0'}"
        return warned("brandfarm", told, "`brandfarm down`, then `brandfarm up`: work goes on from its checkpoints.")
    return passed("brandfarm", f"{ours}, and so is the farm that runs")


def folder(home: FarmHome) -> Finding:
    """Whether only its owner reads the home and its secrets."""
    if not home.root.is_dir():
        return not_proven("home", f"{home.root} does not exist: no farm was ever started or given work there", UP)
    open_ones = [path.name or str(path) for path in (home.root, *_secrets(home)) if path.stat().st_mode & 0o077]
    secrets = [name for name in open_ones if name != home.root.name]
    if secrets:
        paths = " ".join(str(home.root / name) for name in secrets)
        told = f"{home.root}: others may read {' and '.join(secrets)}"
        return failed("home", told, f"chmod 600 {paths}; who has read the token can run code as this farm.")
    if not os.access(home.root, os.W_OK):
        return failed("home", f"{home.root} cannot be written", "Make it yours, or name another folder with --home.")
    if open_ones:
        return warned("home", f"others may look into {home.root}", f"chmod 700 {home.root}")
    return passed("home", f"{home.root}, for its owner only")


def _secrets(home: FarmHome) -> list[Path]:
    return [path for path in (home.token_file, home.secret_store, home.endpoint_file) if path.exists()]


def disk(home: FarmHome) -> Finding:
    """How much room the disk of the home has."""
    place = next(one for one in (home.root, *home.root.parents) if one.exists())
    usage = shutil.disk_usage(place)
    told = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB are free"
    if usage.free <= min(LEAST_FREE_BYTES, usage.total // 20):
        return failed("disk", told, "Make room, or nothing more can be kept; `brandfarm store sweep` says what may go.")
    return passed("disk", told)


def supervisor(home: FarmHome, endpoint: Endpoint | None) -> Finding:
    """Whether the lock, the endpoint and the process agree."""
    held = running.is_held(home)
    if endpoint is None and not held:
        return not_proven("supervisor", "no farm runs here", UP)
    if endpoint is None:
        return warned(
            "supervisor", "the lock is held, and no farm is ready", "It starts or stops just now: look again."
        )
    if held and is_alive(endpoint):
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(endpoint.started))
        return passed("supervisor", f"process {endpoint.pid}, since {since}")
    told = f"process {endpoint.pid} died without a word, and its endpoint stands"
    return failed("supervisor", told, "`brandfarm up` goes on where it stopped, `brandfarm down` clears up.")


def parts(home: FarmHome, endpoint: Endpoint | None) -> list[Finding]:
    """Whether the processes that the supervisor started live, and their ports answer."""
    if endpoint is None or not is_alive(endpoint):
        return []
    ports = {"ray": endpoint.ray, "dispatcher": endpoint.dispatcher.partition("//")[2]}
    silent = [f"{name} at {place}" for name, place in ports.items() if not _answers(place)]
    dead = [pid for pid in _leaders(home) if not _is_process(pid)]
    if silent or dead:
        gone = f"processes {', '.join(map(str, dead))} are gone" if dead else ""
        told = "; ".join(filter(None, (gone, f"no answer from {' and '.join(silent)}" if silent else "")))
        log = home.logs / "supervisor.log"
        return [warned("parts", told, f"The supervisor starts them again; if they stay away, see {log}.")]
    return [
        passed(
            "parts", f"{len(_leaders(home))} processes live; {' and '.join(f'{a} at {b}' for a, b in ports.items())}"
        )
    ]


def _leaders(home: FarmHome) -> list[int]:
    try:
        return [int(pid) for pid in json.loads(home.children.read_text())]
    except (OSError, ValueError):
        return []


def _is_process(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    with contextlib.suppress(OSError, ValueError), socket.create_connection((host, int(port)), timeout=2.0):
        return True
    return False


def answers(farm: Farm, endpoint: Endpoint | None) -> list[Finding]:
    """Whether the dispatcher answers with the farm's token, and which workers it has."""
    if endpoint is None:
        return []
    try:
        summary = farm.summary()
    except FarmError as error:
        return [failed("dispatcher", error.message, error.hint)]
    told = f"it answers, epoch {summary.epoch}; {summary.waiting} jobs wait, {summary.leased} are under way"
    return [passed("dispatcher", told), workers(summary, time.time() - endpoint.started)]


def workers(summary: Summary, age: float) -> Finding:
    """Who could work now, of a farm that is `age` seconds old."""
    alive = [one for one in summary.workers if one.alive]
    gone = [one.name for one in summary.workers if not one.alive]
    if not alive and age < WORKERS_COME_SECONDS:
        return warned("workers", f"none yet, {age:.0f} s after the farm was ready", "Look again in a minute.")
    if not alive:
        return failed("workers", "none is alive", "See logs/workers and logs/dispatcher.log in the home.")
    told = ", ".join(f"{one.name} ({one.gpu_class or 'not known yet'})" for one in alive)
    if gone:
        return warned("workers", f"{told}; silent: {', '.join(gone)}", "Their work goes to others when its lease ends.")
    return passed("workers", told)


def store(home: FarmHome) -> list[Finding]:
    """The quick proof of the store, and whether this release reads its records."""
    try:
        address = str(store_url.parse(home.store_url()))
        if not home.store_mark.exists():
            return [not_proven("store", f"{address} has never been opened", UP)]
        opened = stores.open_existing(home.store_url())
        return [*proof(opened, address), readable(opened)]
    except FarmError as error:
        return [failed("store", error.message, error.hint)]


def proof(opened: ObjectStore, address: str) -> list[Finding]:
    """The quick proof of a store."""
    with stores.another(opened) as second:
        proofs = store_doctor.examine(opened, second, MachineClock(), whole=False)
    bad = [
        Finding(f"store: {one.name}", _VERDICTS[one.verdict], one.found, one.next_step)
        for one in proofs
        if one.verdict is not StoreVerdict.PASSED
    ]
    clocks = [one.found for one in proofs if one.name == "clocks" and one.verdict is StoreVerdict.PASSED]
    kept = len(proofs) - len(bad)
    told = f"{address}: {kept} of {len(proofs)} quick checks passed{''.join(f'; clocks: {one}' for one in clocks)}"
    return [passed("store", told) if kept else not_proven("store", told, "See what follows."), *bad]


def readable(opened: ObjectStore) -> Finding:
    """Whether records of the store are such as this release writes."""
    read, refused = 0, []
    for prefix, model in RECORDS:
        for key in _first(opened.list(prefix), RECORDS_READ):
            read += 1
            try:
                records.get(opened, key, model)
            except FarmError:
                refused.append(key)
    if refused:
        told = f"{len(refused)} of {read} records cannot be read, such as {refused[0]}"
        return failed("records", told, "A newer release wrote them, most likely: upgrade this one.")
    return passed("records", f"{read} looked at, all readable" if read else "none yet")


def _first(found: Iterable[str], count: int) -> Sequence[str]:
    return [key for _, key in zip(range(count), found, strict=False)]


def leftovers(home: FarmHome) -> Finding:
    """Ray's processes of this user that belong to a farm without a supervisor."""
    left = _rays_by_home()
    orphaned = [place for place in sorted(left) if place and not running.is_held(FarmHome(Path(place)))]
    if orphaned:
        told = "; ".join(f"{len(left[place])} of Ray's processes of the farm in {place}" for place in orphaned)
        downs = "; ".join(f"`brandfarm down --home {place}`" for place in orphaned)
        pids = " ".join(str(pid) for place in orphaned for pid in left[place])
        return warned("leftovers", f"without a supervisor: {told}", f"{downs}; if they stay: kill {pids}")
    others = sum(len(pids) for place, pids in left.items() if place != str(home.root))
    return passed("leftovers", f"none; {others} Ray processes belong to others" if others else "none")


def _rays_by_home() -> dict[str, list[int]]:
    """Ray's own servers of this user, by the home of their farm; those of no farm under no name."""
    import psutil

    found: dict[str, list[int]] = {}
    for one in psutil.process_iter(["name", "uids"]):
        uids = one.info["uids"]
        if one.info["name"] in ("raylet", "gcs_server") and uids is not None and uids.real == os.getuid():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                found.setdefault(one.environ().get("BRANDFARM_HOME", ""), []).append(one.pid)
    return found
