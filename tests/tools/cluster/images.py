"""Images from the repository's own Dockerfile, by buildah, on a Debian that debootstrap made: no registry is asked.

What is built stays in a cache outside the tree (`BRANDFARM_IMAGES` names another), so that a second build is quick.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path

from tests.tools import build as tools
from tests.tools.cluster import configs, machine, mounts, programs
from tests.tools.cluster.places import ClusterFailed

ROOT = Path(__file__).parents[3]
BASE = "localhost/base:1"
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
TARGETS = ("controller", "dispatcher", "worker", "minio")
GIB = {"controller": 4, "dispatcher": 6, "worker": machine.FREE_GIB, "minio": 6}
BUNDLE = "/run/ca.crt"
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
SEEN = (
    *("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"),
    *("requirements", "jobs", "cluster", "operators", "cli", "tests/tools/minio"),
)
HANDED_ON = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "GOPROXY")


def cache() -> Path:
    """buildah's own store and the archives."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "brandfarm" / "images"
    return Path(os.environ.get("BRANDFARM_IMAGES") or default)


def name(target: str) -> str:
    """What the chart calls it where no registry is named: the nodes read it so."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"docker.io/brandfarm/{target}:{version}"


def build(target: str) -> Path:
    """One target of the Dockerfile as an archive for `load`. Raises ClusterFailed."""
    if target not in TARGETS:
        raise ClusterFailed(f"There is no image called {target} in the Dockerfile; there are {', '.join(TARGETS)}.")
    machine.check_root()
    machine.check_packages()
    archive, mark, made_of = cache() / f"{target}.tar", cache() / f"{target}.made-of", _made_of()
    if archive.exists() and mark.exists() and mark.read_text() == made_of:
        return archive
    machine.check_disk(cache(), GIB[target])
    base()
    try:
        _told("bud", *build_flags(), *_go_caches(), "--target", target, "--tag", name(target), str(ROOT))
        _archive(target, archive, mark)
    finally:
        mounts.remove(cache())
    mark.write_text(made_of)
    return archive


def base() -> None:
    """Makes the Debian that all images stand on, once. Raises ClusterFailed."""
    if machine.works(*_buildah(), "inspect", "--type", "image", BASE):
        return
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="base-", dir=cache()) as scratch:
        tree = Path(scratch) / "debian"
        _say(f"making {BASE} once, by debootstrap: a minute")
        machine.said("debootstrap", "--variant=minbase", SUITE, str(tree), os.environ.get("BRANDFARM_DEBIAN", MIRROR))
        for rest in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(tree / rest)
            (tree / rest).mkdir()
        packed = Path(scratch) / "debian.tar"
        machine.said("tar", "-C", str(tree), "-cf", str(packed), ".")
        _import(packed)


def _import(packed: Path) -> None:
    container = machine.said(*_buildah(), "from", "--signature-policy", str(_policy()), "scratch").strip()
    try:
        machine.said(*_buildah(), "add", "--quiet", container, str(packed), "/")
        machine.said(*_buildah(), "config", "--cmd", "/bin/bash", container)
        machine.said(*_buildah(), "commit", "--quiet", "--signature-policy", str(_policy()), container, BASE)
    finally:
        machine.said(*_buildah(), "rm", container)
        mounts.remove(cache())


def _archive(target: str, archive: Path, mark: Path) -> None:
    """Written anew: the one before may be half, or of something else."""
    mark.unlink(missing_ok=True)
    archive.unlink(missing_ok=True)
    _told("push", "--signature-policy", str(_policy()), name(target), f"docker-archive:{archive}:{name(target)}")


def _made_of() -> str:
    """A digest of all that images are made of: the files that a build may see, and what it is told."""
    digest = hashlib.sha256(repr((SUITE, build_flags())).encode())
    for path in sorted(seen_by_a_build()):
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def seen_by_a_build() -> list[Path]:
    """The files that the Dockerfile may copy, and itself."""
    found = [path for top in SEEN for path in (ROOT / top, *(ROOT / top).rglob("*"))]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def build_flags() -> list[str]:
    """As a person behind an authority and a mirror of their own would build it."""
    arguments = [f"BASE={BASE}", *(f"{word}={os.environ[word]}" for word in HANDED_ON if os.environ.get(word))]
    flags = [
        "--isolation=chroot",
        "--network=host",
        "--layers",
        "--pull-never",
        f"--cni-config-dir={cache() / 'cni'}",
        f"--signature-policy={_policy()}",
    ]
    if bundle := _bundle():
        arguments += [f"PIP_CERT={BUNDLE}", f"SSL_CERT_FILE={BUNDLE}"]
        flags.append(f"--volume={bundle}:{BUNDLE}:ro")
    return [*flags, *(f"--build-arg={argument}" for argument in arguments)]


def _go_caches() -> list[str]:
    """What this machine has compiled of MinIO for the tests is not compiled again; the image's build changes nothing there."""
    there = zip(tools.go_caches(), ("/tmp/go-mod", "/tmp/go-cache"), strict=True)
    return [f"--volume={own}:{inside}:O" for own, inside in there if own.is_dir()]


def _bundle() -> str | None:
    """The authorities that this machine trusts."""
    return next((path for path in BUNDLES if Path(path).exists()), None)


def _policy() -> Path:
    path = cache() / "policy.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(configs.signature_policy())
    return path


def _buildah() -> list[str]:
    store = cache() / "store"
    return ["buildah", "--root", str(store), "--runroot", str(cache() / "run"), "--storage-driver=overlay"]


def _told(*arguments: str) -> None:
    """buildah's own lines go by, on stderr: a build takes minutes. Raises ClusterFailed."""
    environment = {**os.environ, "PATH": programs.PATH, "TMPDIR": str(cache())}
    command = [*_buildah(), *arguments]
    ended = subprocess.run(command, stdout=sys.stderr, env=environment, check=False).returncode
    if ended:
        raise ClusterFailed(f"{' '.join(command)}\nended with {ended}: what it said stands above.")


def _say(message: str) -> None:
    with suppress(BrokenPipeError):
        print(message, file=sys.stderr, flush=True)
