"""Pixels to a PNG's compressed body, quickly: one filter for the whole picture and the coder that suits it.

Both are chosen on a few rows, since any of them is right and only size and time differ. Knows no chunks and no text.
Filters are those of the PNG specification (third edition), section 9.
"""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

HAS_ISAL = importlib.util.find_spec("isal") is not None
"""A bare GPU machine may lack it; its files are larger by a little and take twice the time."""

Bytes = npt.NDArray[np.uint8]

SUB, UP, AVERAGE = 1, 2, 3
"""Filter types. Paeth, the fourth, takes 40 ms at 1024 x 1024 here and saves a few percent on pictures without any grain."""

BANDS, BAND_ROWS = 4, 8
"""The choice is made on four bands of eight rows: 3% of a picture of 1024 rows, so it costs about a tenth of the time."""

THOROUGH_BELOW = 0.92
"""Huffman codes alone take three times as long as ISA-L; on faint noise without runs they save a fifth, elsewhere nothing."""


def body(rgb: Bytes) -> bytes:
    """The zlib stream of [H, W, 3] pixels, each row behind its filter's number. The same bytes for the same pixels."""
    rows = rgb.reshape(len(rgb), -1)
    above = np.zeros_like(rows)
    above[1:] = rows[:-1]
    chosen, squeeze = _choice(rows, above)
    return squeeze(_filtered(rows, above, chosen))


def coder() -> str:
    """With what files are compressed here: their bytes may differ elsewhere, their pixels never."""
    zlib_build = f"zlib-{zlib.ZLIB_RUNTIME_VERSION}"
    return f"isal-{version('isal')}/{zlib_build}" if HAS_ISAL else zlib_build


def _choice(rows: Bytes, above: Bytes) -> tuple[int, Callable[[Bytes], bytes]]:
    sampled = _sampled(len(rows))
    trials = {kind: _filtered(rows[sampled], above[sampled], kind) for kind in (SUB, UP, AVERAGE)}
    sizes = {kind: len(_quick(trial)) for kind, trial in trials.items()}
    best = min(sizes, key=lambda kind: sizes[kind])
    is_faint = len(_thorough(trials[best])) < THOROUGH_BELOW * sizes[best]
    return best, _thorough if is_faint else _quick


def _sampled(height: int) -> npt.NDArray[np.intp]:
    if height <= BANDS * BAND_ROWS:
        return np.arange(height)
    starts = np.linspace(0, height - BAND_ROWS, BANDS).astype(int)
    return np.concatenate([np.arange(start, start + BAND_ROWS) for start in starts])


def _filtered(rows: Bytes, above: Bytes, kind: int) -> Bytes:
    """[H, 1 + 3 W]: the filter's number, then what each byte differs by from its prediction, modulo 256."""
    filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = kind
    np.subtract(rows, _predicted(rows, above, kind), out=filtered[:, 1:])
    return filtered


def _predicted(rows: Bytes, above: Bytes, kind: int) -> Bytes:
    if kind == UP:
        return above
    left = np.zeros_like(rows)
    left[:, 3:] = rows[:, :-3]
    if kind == SUB:
        return left
    return (left & above) + ((left ^ above) >> 1)  # their mean rounded down, without leaving eight bits


def _quick(filtered: Bytes) -> bytes:
    if not HAS_ISAL:
        return _coded(filtered, zlib.Z_RLE)
    from isal import isal_zlib

    return bytes(isal_zlib.compress(filtered, 1))


def _thorough(filtered: Bytes) -> bytes:
    return _coded(filtered, zlib.Z_HUFFMAN_ONLY)


def _coded(filtered: Bytes, strategy: int) -> bytes:
    coder = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return coder.compress(filtered.data) + coder.flush()
