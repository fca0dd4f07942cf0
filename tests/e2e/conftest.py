"""Servers that whole farms need."""

from __future__ import annotations

from tests.tools.minio import minio_server

__all__ = ["minio_server"]
