"""What the tests of the MinIO store share: the server, and buckets nobody else has."""

from __future__ import annotations

import secrets

import pytest

from tests.tools.minio import MinioServer, minio_server

__all__ = ["MinioServer", "minio_server"]


@pytest.fixture
def bucket_name() -> str:
    """The name of a bucket that no other test uses."""
    return f"test-{secrets.token_hex(6)}"
