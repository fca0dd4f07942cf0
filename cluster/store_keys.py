"""Which keys and prefixes a store accepts: the same for a folder and for a bucket. Knows neither."""

from __future__ import annotations

import re

from jobs.errors import StoreError

LONGEST_KEY = 1024
"""Bytes; the limit of S3."""

LONGEST_STEP = 200
"""Bytes between two slashes; file systems allow 255, and a temporary name needs some of them."""

_STEP = re.compile(r"[A-Za-z0-9_=+][A-Za-z0-9._=+-]*")


def required(key: str) -> str:
    """The key, if it is one; raises StoreError for one that is empty, absolute, hidden or leaves its place."""
    if len(key) > LONGEST_KEY or not all(_is_step(step) for step in key.split("/")):
        raise _refused("key", key)
    return key


def required_prefix(prefix: str) -> str:
    """The prefix, if keys can start with it: empty, or whole steps and perhaps a begun one; raises StoreError."""
    *whole, begun = prefix.split("/")
    if len(prefix) > LONGEST_KEY or not all(_is_step(step) for step in [*whole, begun or "x"]):
        raise _refused("prefix", prefix)
    return prefix


def _is_step(step: str) -> bool:
    return len(step) <= LONGEST_STEP and _STEP.fullmatch(step) is not None


def _refused(noun: str, text: str) -> StoreError:
    return StoreError(
        f"{text[:80]!r} is not a {noun} of the store.",
        hint="Keys are letters, digits and . _ = + - between single slashes, and no step of one begins with a dot.",
    )
