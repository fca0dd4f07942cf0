"""The most telling faults, at one seed each, on a whole farm: what was reported done is there, nothing is doubled or stuck.

All of them at several seeds are `make chaos`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos import scenarios
from tests.chaos.runs import run
from tests.chaos.site import Site, open_site

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]  # the first may build MinIO

SHORT_SET = (
    "worker killed before its record",
    "dispatcher killed",
    "killed at controller.after-hand-over",
    "store away for 8 s",
    "replies lost",
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site() as opened:
        yield opened


@pytest.mark.parametrize("name", SHORT_SET)
def test_a_farm_keeps_its_promise_and_recovers(site, name):
    result = run(site, scenarios.by_name(name), seed=1)
    assert (result.lost, result.doubles, result.stuck) == ((), (), "")
    assert result.recovery is not None
