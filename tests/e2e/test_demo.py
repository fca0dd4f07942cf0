"""The demo as a newcomer runs it: real Ray, real store, the real tiny base; its pictures pass the judge's bar."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.timeout(1500)
def test_two_brands_train_together_and_their_campaign_passes_the_judge(tmp_path):
    command = [sys.executable, "-P", "-m", "cli", "demo", "--dir", str(tmp_path / "demo"), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    judged = {one["brand"]: one for one in json.loads(done.stdout)}
    assert judged.keys() == {"stable-socks", "harbour-mugs"}
    for one in judged.values():
        assert one["objects"] >= 0.95
        assert one["places"] >= 0.95
        assert one["distance"] <= one["base_distance"] / 2
    assert len(list((tmp_path / "demo" / "images" / "spring-nightly").glob("*.png"))) == 80
    assert (tmp_path / "demo" / "sheets" / "stable-socks" / "index.html").exists()
    left = [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])]
    assert left == []
