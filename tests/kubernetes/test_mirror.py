"""The mirror: whatever is listed, watched, cut and forgotten in whatever order, it ends as the server's truth."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cluster.kube.mirror import Mirror, pruned
from cluster.kube.refusals import Expired
from cluster.ports import Change
from jobs.errors import ApiServerUnavailable
from tests.kubernetes.truth import Document, Truth, gone

NAMES = st.sampled_from(["mug", "socks", "tea"])


class Follower(RuleBasedStateMachine):
    """A server that people and this process change, and a mirror that hears of it piece by piece."""

    @initialize()
    def begin(self) -> None:
        self.truth, self.mirror = Truth(), Mirror("BrandProject")
        self.pages: list[Document] = []
        self.stream: list[Document] = []
        self.told: dict[str, int] = {}
        self.written: dict[str, tuple[str, int]] = {}  # what this process wrote: uid and version
        self.removed: set[str] = set()  # the uids that this process deleted
        self.backup: Truth | None = None
        self.is_rewritten = False  # from a return out of a backup to the end of the next list

    @rule(name=NAMES, is_ours=st.booleans())
    def somebody_writes(self, name: str, is_ours: bool) -> None:
        written = self.truth.change(name) if name in self.truth.alive else self.truth.make(name)
        if is_ours:
            self.written[name] = (written["metadata"]["uid"], self.truth.version)
            self.hear(self.mirror.wrote(written))

    @rule(name=NAMES, is_ours=st.booleans())
    def somebody_deletes(self, name: str, is_ours: bool) -> None:
        if name in self.truth.alive:
            uid = self.truth.delete(name)
            self.written.pop(name, None)
            if is_ours:
                self.removed.add(uid)
                self.mirror.deleted(uid)

    @precondition(lambda self: not self.mirror.version)
    @rule()
    def a_list_begins(self) -> None:
        self.mirror.begin()
        self.pages, self.stream = list(self.truth.pages()), []

    @precondition(lambda self: self.pages)
    @rule()
    def a_page_comes(self) -> None:
        self.hear(self.mirror.page(self.pages.pop(0)))
        if self.mirror.version and self.is_rewritten:
            self.is_rewritten = False
            self.removed -= {one["metadata"]["uid"] for one in self.truth.alive.values()}

    @precondition(lambda self: self.mirror.version and not self.stream)
    @rule()
    def a_watch_begins(self) -> None:
        self.stream = [*self.truth.events(self.mirror.version), self.truth.bookmark()]

    @precondition(lambda self: self.stream)
    @rule()
    def an_event_comes(self) -> None:
        self.hear(self.mirror.event(self.stream.pop(0)))

    @rule()
    def somebody_backs_up(self) -> None:
        self.backup = self.truth.copy()

    @precondition(lambda self: self.backup is not None and self.mirror.version > str(self.backup.version))
    @rule(is_written_at_once=st.booleans())
    def the_server_comes_back_from_a_backup(self, is_written_at_once: bool) -> None:
        """All connections break; before a watch begins again, the server is asked how far it is."""
        assert self.backup is not None
        self.truth, self.stream, self.pages = self.backup.copy(uids=self.truth.uids), [], []
        self.is_rewritten, self.written = True, {}
        if is_written_at_once and "mug" in self.truth.alive and self.truth.version + 1 < int(self.mirror.version):
            self.hear(self.mirror.wrote(self.truth.change("mug")))
        with pytest.raises(Expired, match="came back from a backup"):
            self.mirror.compare(str(self.truth.version))
        self.mirror.expire()

    @rule()
    def the_connection_breaks(self) -> None:
        self.stream, self.pages = [], []

    @rule()
    def the_server_forgets(self) -> None:
        with pytest.raises(Expired):
            self.mirror.event(gone())
        self.mirror.expire()
        self.stream, self.pages = [], []

    def hear(self, changes: list[Change]) -> None:
        """Everything is told in its order, and nothing twice."""
        for change in changes:
            if change.deleted:
                assert change.uid in self.told, f"{change} was never there"
                del self.told[change.uid]
            else:
                is_news = self.is_rewritten or self.told.get(change.uid, 0) < change.resource_version
                assert is_news, f"{change} is no news"
                self.told[change.uid] = change.resource_version

    @invariant()
    def what_is_shown_is_what_was_told(self) -> None:
        shown = {one["metadata"]["uid"]: int(one["metadata"]["resourceVersion"]) for one in self.mirror.documents()}
        told = {uid: version for uid, version in self.told.items() if uid not in self.removed}
        assert self.is_rewritten or shown == told

    @invariant()
    def nothing_is_older_than_our_own_write(self) -> None:
        for name, (uid, version) in self.written.items():
            found = self.mirror.get("studio-a", name)
            assert found is not None
            assert (found["metadata"]["uid"] != uid) or int(found["metadata"]["resourceVersion"]) >= version

    def teardown(self) -> None:
        """When it is quiet for once, the mirror is the truth, and every deletion was told."""
        if not self.mirror.version:
            self.mirror.begin()
            for page in self.truth.pages():
                self.hear(self.mirror.page(page))
        for event in self.truth.events(self.mirror.version):
            self.hear(self.mirror.event(event))
        assert {one["metadata"]["name"]: one for one in self.mirror.documents()} == self.truth.alive
        now = {one["metadata"]["uid"]: int(one["metadata"]["resourceVersion"]) for one in self.truth.alive.values()}
        assert self.told == now


TestFollower = Follower.TestCase
TestFollower.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def synced(truth: Truth) -> Mirror:
    """A mirror that has listed all once."""
    mirror = Mirror("BrandProject")
    mirror.begin()
    for page in truth.pages():
        mirror.page(page)
    return mirror


def test_a_new_list_tells_what_was_deleted_unseen_and_nothing_that_stayed() -> None:
    truth = Truth()
    for name in ("mug", "socks", "tea"):
        truth.make(name)
    mirror = synced(truth)
    mug = truth.delete("mug")
    truth.delete("tea")
    new = truth.make("tea")
    mirror.begin()
    told = [change for page in truth.pages() for change in mirror.page(page)]
    assert [(change.name, change.uid, change.deleted, change.resource_version) for change in told] == [
        ("tea", "uid-3", True, 106),
        ("tea", new["metadata"]["uid"], False, 106),
        ("mug", mug, True, 106),
    ]


def test_a_list_that_began_before_our_own_writes_takes_none_of_them_back() -> None:
    truth = Truth()
    for name in ("mug", "socks", "tea"):
        truth.make(name)
    mirror = synced(truth)
    mirror.begin()
    pages = [*truth.pages()]
    truth.delete("tea")
    for written in (truth.change("socks"), truth.make("tea"), truth.make("wool")):
        mirror.wrote(written)
    told = [change for page in pages for change in mirror.page(page)]
    assert (told, {one["metadata"]["name"]: one for one in mirror.documents()}) == ([], truth.alive)
    mirror.begin()
    pages = [*truth.pages(size=1)]
    truth.delete("wool")
    mirror.page(pages[0])
    again = truth.make("wool")
    mirror.wrote(again)
    mirror.page({"items": [], "metadata": {"resourceVersion": str(truth.version - 1)}})
    assert mirror.get("studio-a", "wool") == again


def test_a_server_restored_from_a_backup_is_believed_although_its_versions_are_lower() -> None:
    truth = Truth()
    truth.make("socks")
    mirror = synced(truth)
    truth.change("socks")
    mirror.event(truth.history[-1])
    mirror.deleted("uid-1")
    backup = Truth()
    backup.make("socks")
    with pytest.raises(Expired, match="is at version 101 and was at 102"):
        mirror.compare(str(backup.version))
    mirror.expire()
    mirror.begin()
    pages = list(backup.pages())
    assert [change.resource_version for change in mirror.wrote(backup.change("socks"))] == [102]
    assert [change for page in pages for change in mirror.page(page)] == []
    assert list(mirror.documents()) == [backup.alive["socks"]]


def test_a_list_or_an_event_of_a_lower_version_shows_a_backup_too() -> None:
    truth = Truth()
    before = truth.bookmark()
    truth.make("socks")
    mirror = synced(truth)
    with pytest.raises(Expired, match="is at version 100 and was at 101"):
        mirror.event(before)
    mirror.expire()
    mirror.begin()
    empty = {"items": [], "metadata": {"resourceVersion": "100"}}
    assert [(change.name, change.deleted) for change in mirror.page(empty)] == [("socks", True)]
    again = synced(truth)
    again.expire()
    again.begin()
    with pytest.raises(Expired):
        again.page(empty)
    again.begin()
    assert [(change.name, change.deleted) for change in again.page(empty)] == [("socks", True)]


def test_what_a_finished_watch_leaves_behind_is_where_the_next_goes_on() -> None:
    truth = Truth()
    mirror = synced(truth)
    truth.make("socks")
    mirror.event(truth.history[-1])
    assert mirror.version == "101"
    mirror.event({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "150"}}})
    assert mirror.version == "150"


def test_another_trouble_in_a_watch_is_no_forgetting() -> None:
    with pytest.raises(ApiServerUnavailable, match="500"):
        Mirror("BrandProject").event(gone(500))


def test_a_mirror_keeps_no_bookkeeping() -> None:
    truth = Truth()
    document = truth.make("socks")
    document["metadata"] |= {
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "season": "spring"},
    }
    assert synced(truth).get("studio-a", "socks") == pruned(document)
    assert pruned(document)["metadata"].keys() == {"namespace", "name", "uid", "resourceVersion", "annotations"}
    assert pruned(document)["metadata"]["annotations"] == {"season": "spring"}


def test_who_reads_a_document_may_change_his_copy() -> None:
    truth = Truth()
    truth.make("socks")
    mirror = synced(truth)
    first = mirror.get("studio-a", "socks")
    assert first is not None
    first["metadata"]["name"] = "changed"
    assert [*mirror.documents("studio-a")] == [truth.alive["socks"]]
    assert (mirror.names(), [*mirror.documents("studio-b")]) == ([("studio-a", "socks")], [])
