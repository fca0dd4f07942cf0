"""What a person sees, whole, at 80 and at 120 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.views import marks
from cluster.folder_store import FolderStore
from cluster.ports import Summary, WorkerReport
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal, lines
from tests.fakes.farm import FakeFarm

YESTERDAY = marks.when(builders.NOON - 24 * 3600)

STATUS_80 = f"""\
1 worker (cpu); 2 jobs at work, 3 waiting
Since {YESTERDAY}: nothing was made; nothing failed; 1 thing needs you.

NEEDS YOU
olive-oil v1 waits for a word
  `brandfarm sheet olive-oil`, then `brandfarm approve olive-oil`

BRAND         PHASE             SERVES  NEWEST  PROGRESS
olive-oil     AwaitingApproval  -       v1      ──────────── 0/1
  v1 has 0 of 1 approval. Look at `brandfarm sheet stable-socks`.
stable-socks  Training          v1      v2      ━━━━──────── 120/300
  v2 trains: step 120 of 300, loss 0.1203.

CAMPAIGN  PHASE       PROGRESS            COMPLETE BY
spring    Generating  ━━━━━━━───── 12/20  2026-11-21T06:30:00Z
  10 drawn, 2 reused, 0 failed of 20.
"""

STATUS_120 = f"""\
1 worker (cpu); 2 jobs at work, 3 waiting
Since {YESTERDAY}: nothing was made; nothing failed; 1 thing needs you.

NEEDS YOU
olive-oil v1 waits for a word
  `brandfarm sheet olive-oil`, then `brandfarm approve olive-oil`

BRAND         PHASE             SERVES  NEWEST  PROGRESS              WHY
olive-oil     AwaitingApproval  -       v1      ──────────── 0/1      v1 has 0 of 1 approval. Look at `brandfarm sheet
                                                                      stable-socks`.
stable-socks  Training          v1      v2      ━━━━──────── 120/300  v2 trains: step 120 of 300, loss 0.1203.

CAMPAIGN  PHASE       PROGRESS            COMPLETE BY           WHY
spring    Generating  ━━━━━━━───── 12/20  2026-11-21T06:30:00Z  10 drawn, 2 reused, 0 failed of 20.
"""

PROJECT_80 = """\
BRAND         PHASE     SERVES  NEWEST  PROGRESS
stable-socks  Training  v1      v2      ━━━━──────── 120/300
  v2 trains: step 120 of 300, loss 0.1203.

product 'sock' as 'stblsx' on base tiny; serve: approved; gate: 1 approval
32 pictures, 1 file set aside (dataset b277fd623676)

VERSION  STATE     APPROVALS  SERVES
v1       approved  1          serves
v2       training  0          -

REVIEWED  VERDICT  BY             SAID
v1        revise   lead@studio-a  [oversaturated] heel too orange

CONDITION  HOLDS  REASON    MESSAGE
Ready      True   Serving   v1 serves.
Trained    False  Training
"""

CAMPAIGN_80 = """\
CAMPAIGN  PHASE       PROGRESS            COMPLETE BY
spring    Generating  ━━━━━━━───── 12/20  2026-11-21T06:30:00Z
  10 drawn, 2 reused, 0 failed of 20.

1 look x 2 wordings (prompts[0]: 2 place) x 1 size x 10 seeds = 20 shots
10 drawn, 2 found in the store, 0 failed

CONDITION  HOLDS  REASON      MESSAGE
Complete   False  Generating
"""


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    filled = FakeFarm(FolderStore(tmp_path / "store"))
    studio.fill(filled)
    return filled


@pytest.mark.parametrize(
    ("words", "columns", "screen"),
    [
        (("status",), 80, STATUS_80),
        (("status",), 120, STATUS_120),
        (("status", "campaign/spring"), 80, CAMPAIGN_80),
        (("status", "spring"), 80, CAMPAIGN_80),
    ],
)
def test_a_screen_as_a_whole(words: tuple[str, ...], columns: int, screen: str, farm: FakeFarm) -> None:
    shown = Terminal(farm).type(*words, "-o", "table", columns=columns)
    assert (shown.code, shown.err) == (0, "")
    assert lines(shown.out) == lines(screen)


def test_one_brand_whole_with_what_was_said_of_it(farm: FakeFarm) -> None:
    word = builders.review(verdict="revise", tags=["oversaturated"], note="heel too orange")
    farm.create(word | {"spec": word["spec"] | {"projectUid": "uid-stable-socks"}})
    shown = Terminal(farm).type("status", "stable-socks", "-o", "table")
    assert lines(shown.out) == lines(PROJECT_80)


def test_words_on_an_earlier_brand_of_the_same_name_are_left_out(farm: FakeFarm) -> None:
    word = builders.review(verdict="reject")
    farm.create(word | {"spec": word["spec"] | {"projectUid": "uid-of-one-that-was-deleted"}})
    assert "reject" not in Terminal(farm).type("status", "stable-socks", "-o", "table").out


def test_nothing_is_cut_in_a_narrow_terminal(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("status", "-o", "table", columns=30).out
    assert "…" not in shown
    assert "2026-11-21T06:30:00Z" in shown.replace("\n", "")


def test_namespaces_are_shown_where_there_are_several(farm: FakeFarm) -> None:
    farm.create(builders.project("rye-gin", namespace="studio-b"))
    assert "NAMESPACE" in Terminal(farm).type("status", "-o", "table").out
    assert "NAMESPACE" not in Terminal(farm).type("status", "-o", "table", "-n", "studio-b").out
    assert "NAMESPACE" in Terminal(farm).type("status", "-o", "wide", "-n", "studio-b").out


def test_a_silent_worker_and_failed_jobs_are_told(tmp_path: Path) -> None:
    workers = (
        WorkerReport(name="a", alive=True, base="", gpu_class="h100", jobs=()),
        WorkerReport(name="b", alive=False, base="", gpu_class="h100", jobs=()),
    )
    summary = Summary(epoch=1, waiting=0, leased=1, done=0, failed=2, workers=workers)
    shown = Terminal(FakeFarm(FolderStore(tmp_path), summary=summary)).type("status", "-o", "table").out
    assert lines(shown) == [
        "1 worker (h100), 1 silent; 1 job at work, 0 waiting, 2 failed",
        "Nothing is wanted yet: `brandfarm apply -f FILE`.",
    ]


def test_a_farm_that_is_down_shows_what_was_last_known(farm: FakeFarm) -> None:
    farm.up = False
    shown = Terminal(farm).type("status", "-o", "table")
    assert shown.code == 0
    assert "No farm runs in /farm. Start one with `brandfarm up`. What follows was last known." in " ".join(
        shown.out.split()
    )
    assert "stable-socks" in shown.out


def test_piped_status_is_tsv_with_every_value_whole(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("status")
    assert shown.out.splitlines() == [
        "KIND\tNAMESPACE\tNAME\tPHASE\tSERVES\tNEWEST\tPROGRESS\tREASON\tMESSAGE",
        "BrandProject\tdefault\tolive-oil\tAwaitingApproval\t\tv1\t0/1\tAwaitingApproval\t"
        "v1 has 0 of 1 approval. Look at `brandfarm sheet stable-socks`.",
        "BrandProject\tdefault\tstable-socks\tTraining\tv1\tv2\t120/300\tTraining\tv2 trains: step 120 of 300, loss 0.1203.",
        "Campaign\tdefault\tspring\tGenerating\t\t\t12/20\tGenerating\t10 drawn, 2 reused, 0 failed of 20.",
    ]


def test_campaigns_as_a_list(farm: FakeFarm) -> None:
    assert Terminal(farm).type("campaign", "list").out.splitlines() == [
        "NAMESPACE\tNAME\tPHASE\tSHOTS\tDRAWN\tREUSED\tFAILED\tFORECAST\tREASON\tMESSAGE",
        "default\tspring\tGenerating\t20\t10\t2\t0\t2026-11-21T06:30:00Z\tGenerating\t10 drawn, 2 reused, 0 failed of 20.",
    ]
    assert Terminal(farm).type("campaign", "list", "-o", "name").out == "campaign/spring\n"


def test_manifests_as_they_are_kept(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("get", "campaigns", "-o", "table", columns=100)
    assert lines(shown.out) == [
        "KIND      NAMESPACE  NAME    GENERATION  STATE       CREATED",
        "Campaign  default    spring  1           Generating  1970-01-01T00:00:05Z",
    ]
    one = Terminal(farm).type("get", "brand", "olive-oil", "-o", "yaml")
    assert one.out.startswith("apiVersion: brandfarm.dev/v1alpha1\nkind: BrandProject\nmetadata:\n  name: olive-oil\n")


def test_watching_a_pipe_tells_only_what_changes(farm: FakeFarm) -> None:
    terminal = Terminal(farm)

    def go_on() -> None:
        if len(terminal.pauses) == 2:
            farm.set_status("Campaign", "default", "spring", studio.drawing() | {"progress": "20/20"})
        if len(terminal.pauses) == 4:
            raise KeyboardInterrupt

    terminal.between = go_on
    shown = terminal.type("status", "-w")
    assert shown.code == 130
    assert [line.split("\t")[6] for line in shown.out.splitlines()] == ["PROGRESS", "0/1", "120/300", "12/20", "20/20"]
