"""An image of a single static program, as the archive that containerd imports: no builder and no base image needed."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write(path: Path, image: str, program: Path) -> None:
    """The program alone, which is what a container of it runs."""
    layer = _tar({program.name: program.read_bytes()})
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"]}]
    parts = {"layer.tar": layer, "config.json": _json(config), "manifest.json": _json(manifest)}
    path.write_bytes(_tar(parts))


def _tar(files: dict[str, bytes]) -> bytes:
    """The same bytes for the same files."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()


def _json(told: object) -> bytes:
    return json.dumps(told).encode()
