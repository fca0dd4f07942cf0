"""The races of the long set: `python -m tests.store.long_races`, 100 keys x 32 writers in bad weather, several seeds."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from cluster import store_url
from cluster.minio_store import MinioStore
from tests.store import races
from tests.store.proxy import in_front_of
from tests.store.weather import Gusts, Mishap, Weather
from tests.tools import minio
from tests.tools.minio import MinioServer

CHANCES = {
    Mishap.REPLY_LOST: 0.04,
    Mishap.REPLY_CUT: 0.02,
    Mishap.REQUEST_LOST: 0.02,
    Mishap.REQUEST_CUT: 0.02,
    Mishap.REQUEST_LATE: 0.02,
    Mishap.REPLY_IS_503: 0.02,
    Mishap.REPLY_IS_409: 0.01,
    Mishap.SLOW_DOWN: 0.02,
}
"""Of each mishap, at every request of any kind."""

DELAY_SECONDS = 0.02
GUSTS = Gusts(every=1500, length=400)
CLIENTS = 4


@dataclass(frozen=True)
class Outcome:
    """How hard a race was: requests, how many of them met a mishap, writers that were told "unknown" at least once."""

    seed: int
    requests: int
    mishaps: int
    unsure: int
    seconds: float


def race_in_bad_weather(server: MinioServer, bucket: str, *, seed: int, keys_count: int, writers: int) -> Outcome:
    """Race through a proxy that spoils a sixth of all requests; fails where the truth is not what everybody was told."""
    address = store_url.parse(server.url_with_credentials(bucket))
    assert isinstance(address, store_url.BucketUrl)
    weather, begun = Weather(seed, CHANCES, DELAY_SECONDS, GUSTS), time.monotonic()
    with ExitStack() as stack:
        direct = stack.enter_context(closing(MinioStore(address)))
        proxy = stack.enter_context(in_front_of(server.endpoint))
        far = replace(address, endpoint=proxy.endpoint)
        clients = [stack.enter_context(closing(MinioStore(far))) for _ in range(CLIENTS)]
        proxy.weather = weather
        race = races.run(clients, seed=seed, keys_count=keys_count, writers=writers)
        races.require_truth(race, direct, races.record_keys(seed, keys_count))
    _require_hardship(weather, race)
    unsure = sum(one.unknown > 0 for one in race.told)
    return Outcome(seed, weather.requests, weather.happened.total(), unsure, time.monotonic() - begun)


def _require_hardship(weather: Weather, race: races.Race) -> None:
    """A race in fair weather proves nothing."""
    rare = [mishap.name for mishap in CHANCES if weather.happened[mishap] < 10]
    assert not rare, f"the weather was too fair: {rare} hardly happened in {weather.requests} requests"
    assert len(race.seen) >= len({one.key for one in race.told}) / 2, "readers saw fewer than half of the keys"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, minio.running(Path(folder)) as server:
        for seed in asked.seeds:
            told = race_in_bad_weather(server, f"race-{seed}", seed=seed, keys_count=asked.keys, writers=asked.writers)
            sys.stdout.write(
                f"seed {seed}: one winner for each of {asked.keys} keys of {asked.writers} writers; {told.requests} requests, "
                f"{told.mishaps} mishaps, {told.unsure} writers unsure at first, {told.seconds:.0f} s\n"
            )
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
