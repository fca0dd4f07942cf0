"""Ray's head waits for nothing that a busy machine is slow to bring: its agents' ports are given, or said for them."""

from __future__ import annotations

from pathlib import Path

from cluster import ray_head

NODE = "0f" * 28


def session(folder: Path) -> Path:
    """A session as Ray leaves it once its control store answers, with the link to the newest."""
    made = folder / "session_2026-11-21"
    made.mkdir()
    (folder / "session_latest").symlink_to(made)
    (made / f"gcs_server_port_{NODE}").write_text("6379")
    return made


def test_before_the_control_store_is_there_nothing_is_said(tmp_path: Path) -> None:
    ray_head.answer_for_agents(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_ports_that_a_raylet_would_wait_for_are_said_at_once(tmp_path: Path) -> None:
    made = session(tmp_path)
    ray_head.answer_for_agents(tmp_path)
    said = {path.name.removesuffix(f"_{NODE}"): path.read_text() for path in made.iterdir()}
    none = dict.fromkeys(("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port"), "-1")
    assert said == {"gcs_server_port": "6379", **none}


def test_what_an_agent_has_said_itself_stays(tmp_path: Path) -> None:
    made = session(tmp_path)
    (made / f"metrics_agent_port_{NODE}").write_text("4711")
    ray_head.answer_for_agents(tmp_path)
    assert (made / f"metrics_agent_port_{NODE}").read_text() == "4711"


def test_a_start_forgets_that_an_earlier_head_was_up(tmp_path: Path) -> None:
    (tmp_path / "ray_current_cluster").write_text("127.0.0.1:6379")
    assert ray_head.is_up(tmp_path)
    first, second = ray_head.begin(tmp_path), ray_head.begin(tmp_path)
    assert not ray_head.is_up(tmp_path)
    assert first[0].startswith("--runtime-env-agent-port=")
    assert first != second
