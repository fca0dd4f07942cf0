"""The shapes of the words in a manifest: names, versions, triggers, sizes, times; each with the sentence that explains it.

Patterns are RE2, anchored, without look-around and Unicode classes, so that a Kubernetes API server reads them the same way.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import Field

GROUP = "brandfarm.dev"
API_VERSION = f"{GROUP}/v1alpha1"

LONGEST_NAME = 63  # an RFC 1123 label
LONGEST_PARENT_NAME = 48  # leaves 15 characters for "-v123456-abcde" of a review and "-20261121t0130" of a night
LARGEST_SEED = 2**32 - 1
MOST_VARIABLES = 16
MOST_PROMPT_TEXT = 100_000  # characters of all prompts of a campaign: an API server gives its rules so much time
ADDED_TO_PREFIX = 5  # characters that an API server adds to a generateName


class Shape(NamedTuple):
    """A pattern, and what to write to meet it."""

    pattern: str
    expected: str


LABEL = Shape(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "lower-case letters, digits and dashes, with a letter or digit at both ends",
)
PREFIX = Shape(r"^[a-z0-9][-a-z0-9]*$", "lower-case letters, digits and dashes, such as stable-socks-v3-")
LABEL_KEY = Shape(
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
    "a label's key, such as team or studio.example/team",
)
LABEL_VALUE = Shape(
    r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
    "letters, digits, dashes, dots and underscores, with a letter or digit at both ends",
)
CATALOGUE = Shape(r"^[a-z0-9]([-a-z0-9._]*[a-z0-9])?$", "the name of a catalogue entry, such as tiny")
TRIGGER = Shape(
    r"^[a-z][a-z0-9]{2,23}$",
    "one rare word of 3 to 24 lower-case letters and digits that starts with a letter, such as stblsx",
)
WORDS = Shape(r"^[^{} \r\n\t]([^{}\r\n\t]*[^{} \r\n\t])?$", "one line of text without braces")
LINE = Shape(r"^[^ \r\n\t]([^\r\n\t]*[^ \r\n\t])?$", "one line of text")
VERSION = Shape(r"^v[1-9][0-9]{0,5}$", "a version such as v3")
SERVE = Shape(r"^(approved|v[1-9][0-9]{0,5})$", "approved, or a version such as v3")
LOOK_VERSION = Shape(r"^(serving|v[1-9][0-9]{0,5})$", "serving, or a version such as v7")
TAG = Shape(r"^[a-z0-9]+(-[a-z0-9]+)*$", "lower-case words joined by dashes, such as ai-look")
HEX_COLOUR = Shape(r"^#[0-9A-Fa-f]{6}$", 'a colour in quotes, such as "#5B3A29"')
SIZE = Shape(r"^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$", "width x height in pixels, such as 64x64")
VARIABLE = Shape(r"^[A-Za-z][A-Za-z0-9_]{0,30}$", "a variable's name of letters and digits, such as place")
SOURCE = Shape(
    r"^(s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9](/.*)?|upload://[0-9a-f]{64}|(\.|\.\.|~)?/.*|\.|\.\.)$",
    "s3://bucket/prefix/, or a folder that starts with ./ or /, such as ./shots",
)
PERSON = Shape(
    r"^[A-Za-z0-9][A-Za-z0-9._@:+/-]{0,252}$",
    "the name that the person is known by, such as lead@studio-a",
)
TIME_OF_DAY = Shape(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", 'a time of day in quotes, such as "06:30"')
DURATION = Shape(r"^[1-9][0-9]{0,3}[mh]$", "minutes or hours, such as 90m or 5h")
CRON = Shape(r"^[-0-9A-Za-z*,/#]+( [-0-9A-Za-z*,/#]+){4}$", 'five fields of cron in quotes, such as "30 1 * * *"')
TIME_ZONE = Shape(r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$", "a time zone's name, such as Europe/London")
TIMESTAMP = Shape(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "a time such as 2026-11-21T01:30:00Z",
)
MOMENT = Shape(
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$",
    'a moment in UTC in quotes, such as "2026-11-21T06:30:00Z"',
)
DEADLINE = Shape(
    f"^({TIME_OF_DAY.pattern.strip('^$')}|{MOMENT.pattern.strip('^$')})$",
    'a time of day in quotes, such as "06:30", or a moment such as "2026-11-21T06:30:00Z"',
)
REASON = Shape(r"^[A-Z][A-Za-z0-9]*$", "one capitalised word, such as AwaitingApproval")

EXPECTED: dict[str, str] = {
    shape.pattern: shape.expected for shape in list(vars().values()) if isinstance(shape, Shape)
}
"""What to write, by pattern."""
LONGEST: dict[str, int] = {
    TRIGGER.pattern: 24,
    VERSION.pattern: 7,
    SERVE.pattern: 8,
    LOOK_VERSION.pattern: 7,
    HEX_COLOUR.pattern: 7,
    SIZE.pattern: 9,
    VARIABLE.pattern: 31,
    PERSON.pattern: 253,
    DURATION.pattern: 5,
    TIMESTAMP.pattern: 35,
    MOMENT.pattern: 20,
    DEADLINE.pattern: 20,
}
"""The longest text, by pattern, where the pattern itself is the bound: an API server asks for it as a number."""

Name = Annotated[str, Field(pattern=LABEL.pattern, max_length=LONGEST_NAME)]
NamePrefix = Annotated[str, Field(pattern=PREFIX.pattern, max_length=58)]  # the API server adds five characters
LabelKey = Annotated[str, Field(pattern=LABEL_KEY.pattern, max_length=317)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE.pattern, max_length=63)]
CatalogueName = Annotated[str, Field(pattern=CATALOGUE.pattern, max_length=63)]
Trigger = Annotated[str, Field(pattern=TRIGGER.pattern)]
Words = Annotated[str, Field(pattern=WORDS.pattern, max_length=200)]
Prompt = Annotated[str, Field(pattern=LINE.pattern, max_length=1000)]
Version = Annotated[str, Field(pattern=VERSION.pattern)]
Serve = Annotated[str, Field(pattern=SERVE.pattern)]
LookVersion = Annotated[str, Field(pattern=LOOK_VERSION.pattern)]
Tag = Annotated[str, Field(pattern=TAG.pattern, max_length=40)]
HexColour = Annotated[str, Field(pattern=HEX_COLOUR.pattern)]
Size = Annotated[str, Field(pattern=SIZE.pattern)]
Variable = Annotated[str, Field(pattern=VARIABLE.pattern)]
SourceAddress = Annotated[str, Field(pattern=SOURCE.pattern, max_length=1000)]
Person = Annotated[str, Field(pattern=PERSON.pattern)]
TimeOfDay = Annotated[str, Field(pattern=TIME_OF_DAY.pattern)]
Moment = Annotated[str, Field(pattern=MOMENT.pattern)]
Deadline = Annotated[str, Field(pattern=DEADLINE.pattern)]
Duration = Annotated[str, Field(pattern=DURATION.pattern)]
Cron = Annotated[str, Field(pattern=CRON.pattern, max_length=100)]
TimeZone = Annotated[str, Field(pattern=TIME_ZONE.pattern, max_length=64)]
Timestamp = Annotated[str, Field(pattern=TIMESTAMP.pattern)]
Reason = Annotated[str, Field(pattern=REASON.pattern, max_length=64)]


def is_local(source: str) -> bool:
    """Whether a dataset's source is a folder of this machine, which only the command line can upload."""
    return "://" not in source


def seconds_of_moment(moment: str) -> float:
    """Seconds since 1970 of a moment; a day that its month does not have counts on into the next month."""
    day = int(moment[8:10])
    return (datetime.fromisoformat(f"{moment[:8]}01{moment[10:]}") + timedelta(days=day - 1)).timestamp()


def version_number(version: str) -> int:
    """The n of `vn`; raises ValueError where the word is not a version, such as serving."""
    if not re.fullmatch(VERSION.pattern.strip("^$"), version):
        raise ValueError(f"{version!r} is not {VERSION.expected}")
    return int(version[1:])


def version_name(number: int) -> str:
    """What people call version n: `vn`."""
    return f"v{number}"
