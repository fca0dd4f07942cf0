"""`.cube` files are read as the format says, and what is none is named with its line."""

from __future__ import annotations

import pytest

from jobs import cube
from jobs.errors import RecipeInvalid

IDENTITY = b"""# a comment
TITLE "identity"
LUT_3D_SIZE 2

0 0 0
1 0 0
0 1 0
1 1 0
0 0 1
1 0 1
0 1 1
1 1 1
"""


def test_a_table_is_read_with_red_running_fastest() -> None:
    read = cube.parse(IDENTITY, "film.cube")
    assert (read.size, read.low, read.high) == (2, (0, 0, 0), (1, 1, 1))
    assert list(read.values[3:6]) == [1, 0, 0]
    assert len(read.values) == 24


def test_a_domain_is_read() -> None:
    read = cube.parse(IDENTITY + b"DOMAIN_MIN -1 -1 -1\r\nDOMAIN_MAX 2 2 2\n", "film.cube")
    assert (read.low, read.high) == ((-1, -1, -1), (2, 2, 2))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff\xfe\x00", "film.cube, line 1: no text"),
        (b"", "film.cube, line 1: no LUT_3D_SIZE"),
        (b"LUT_1D_SIZE 4\n", "film.cube, line 1: a 1D table"),
        (b"# look\nLUT_3D_SIZE 1\n", "film.cube, line 2: 'LUT_3D_SIZE 1'"),
        (b"LUT_3D_SIZE 4096\n", "film.cube, line 1: 'LUT_3D_SIZE 4096'"),
        (IDENTITY.replace(b"1 1 0", b"1 1 zero"), "film.cube, line 8: '1 1 zero', not three numbers"),
        (IDENTITY.replace(b"1 1 0", b"1 1"), "film.cube, line 8: '1 1', not three numbers"),
        (IDENTITY.replace(b"1 1 0", b"1 1 nan"), "film.cube, line 8: '1 1 nan', which is no colour"),
        (IDENTITY + b"0.5 0.5 0.5\n", "9 colours where LUT_3D_SIZE 2 means 8"),
        (IDENTITY + b"DOMAIN_MAX 0 1 1\n", "a domain from"),
    ],
)
def test_what_is_no_table_is_named_with_its_line(data: bytes, told: str) -> None:
    with pytest.raises(RecipeInvalid) as found:
        cube.parse(data, "film.cube")
    assert told in found.value.message
    assert found.value.hint
