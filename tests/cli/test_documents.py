"""Manifests from YAML: what is accepted, and for every mistake the file, line, column, field and what to write."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cli import documents
from cli.documents import Document, DocumentsInvalid, Problem, read_manifests
from cli.yaml_values import read_documents
from jobs import manifests
from jobs.errors import ManifestInvalid, NotFound
from tests.jobs.manifests.table import ACCEPTED, REFUSED, Accepted, Refused

EXAMPLE = Path(__file__).parent / "example.yaml"
REVIEW = """\
apiVersion: brandfarm.dev/v1alpha1
kind: Review
metadata: {generateName: socks-v3-, namespace: studio-a}
spec: {by: lead, project: socks, version: v3, verdict: approve}
"""
CAMPAIGN = """\
apiVersion: brandfarm.dev/v1alpha1
kind: Campaign
metadata:
  name: spring
spec:
  looks:
    - brand: socks
  shots:
    prompts: ["a {trigger} {class}"]
"""


def read(text: str | bytes) -> list[Document]:
    data = text.encode() if isinstance(text, str) else text
    return read_manifests("-", stdin=io.BytesIO(data))


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(DocumentsInvalid) as refused:
        read(text)
    return refused.value.problems


def told(text: str | bytes) -> list[str]:
    return [str(problem) for problem in problems(text)]


def as_yaml(document: dict[str, object]) -> str:
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(document, stream)
    return stream.getvalue()


def test_the_example_is_accepted_whole() -> None:
    found = read_manifests(EXAMPLE)

    assert [(document.model.kind, document.model.title, document.line) for document in found] == [
        ("BrandProject", "studio-a/stable-socks", 1),
        ("Campaign", "studio-a/spring-nightly", 28),
        ("Review", "studio-a/stable-socks-v3-*", 47),
    ]
    assert {document.file for document in found} == {str(EXAMPLE)}


def test_a_document_keeps_what_was_written_beside_the_model() -> None:
    (document,) = read(REVIEW)

    assert document.raw["spec"] == {"by": "lead", "project": "socks", "version": "v3", "verdict": "approve"}
    assert document.model == manifests.parse(document.raw)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_the_table_is_accepted_from_yaml_too(case: Accepted) -> None:
    (document,) = read(as_yaml(case.document))

    assert document.model == manifests.parse(case.document)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.rule)
def test_the_table_is_refused_from_yaml_too(case: Refused) -> None:
    text = as_yaml(case.document)
    (problem,) = problems(text)

    assert (problem.file, problem.field) == ("<stdin>", case.field)
    assert 1 <= problem.line <= len(text.splitlines())


def test_every_problem_of_every_document_is_told_with_its_place() -> None:
    text = (
        CAMPAIGN.replace("brand: socks", "brnad: Socks")
        + "  limits: {shots: 0}\n---\n"
        + REVIEW.replace("approve", "yes")
    )

    assert told(text) == [
        "<stdin>:7:7: spec.looks[0].brand: found nothing; write brand: lower-case letters, digits and dashes, with a letter "
        "or digit at both ends, at most 63 characters (A BrandProject of the same namespace).",
        "<stdin>:7:7: spec.looks[0].brnad: found the unknown field brnad (did you mean brand?); write one of the fields "
        "brand, version, strength, with.",
        "<stdin>:10:19: spec.limits.shots: found 0; write a whole number from 1 to 1000000.",
        '<stdin>:15:56: spec.verdict: found "yes"; write one of approve, revise, reject.',
    ]


def test_a_missing_field_is_told_at_the_part_that_lacks_it() -> None:
    (problem,) = problems(CAMPAIGN.replace("    prompts:", "    negative: x #"))

    assert (problem.line, problem.column, problem.field) == (8, 3, "spec.shots.prompts")


def test_the_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CAMPAIGN.replace("kind: Campaign", "kind: Campagin"))
    (tmp_path / "b.yml").write_text("a:\n\tb: 1\n")
    (tmp_path / "notes.txt").write_text("not read")

    with pytest.raises(ManifestInvalid) as refused:
        read_manifests(tmp_path)

    assert refused.value.message.splitlines() == [
        f'{tmp_path}/a.yaml:2:7: kind: found "Campagin" (did you mean Campaign?); '
        "write kind: one of BrandProject, Campaign, Review.",
        f"{tmp_path}/b.yml:2:1: found a tab; write spaces: YAML indents with spaces alone.",
    ]
    assert refused.value.reason == "ManifestInvalid"


def test_a_folder_is_read_by_name_and_files_in_the_order_given(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(CAMPAIGN.replace("spring", name))

    folder = read_manifests(tmp_path)
    files = read_manifests([tmp_path / "b.yaml", str(tmp_path / "a.yaml")])

    assert [document.model.metadata.name for document in folder] == ["a", "b"]
    assert [document.model.metadata.name for document in files] == ["b", "a"]


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file or folder"):
        read_manifests(tmp_path / "missing.yaml")
    with pytest.raises(NotFound, match=r"holds no \*\.yaml files"):
        read_manifests(tmp_path)


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.yaml"
    place.write_text(REVIEW)

    def refuse(file: str, _mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), file)

    monkeypatch.setattr(documents, "open", refuse, raising=False)  # root, as in a container, may read everything
    with pytest.raises(ManifestInvalid, match=r"a\.yaml cannot be read: Permission denied"):
        read_manifests(place)


def test_a_second_key_is_refused_with_both_lines() -> None:
    assert told(CAMPAIGN + "  shots: {}\n") == [
        "<stdin>:10:3: spec.shots: found the field shots a second time, as on line 8; write it once."
    ]


def test_one_name_twice_is_refused_with_both_places() -> None:
    assert told(f"{CAMPAIGN}---\n{CAMPAIGN}") == [
        "<stdin>:14:9: metadata.name: found Campaign default/spring a second time, as in <stdin>:1; write another name."
    ]


def test_names_that_the_farm_makes_may_stand_many_times() -> None:
    assert len(read(f"{REVIEW}---\n{REVIEW}")) == 2


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("a:\n\tb: 1\n", (2, 1), "a tab"),
        ("a: b: c\n", (1, 5), "a second colon"),
        ("a: 'x\nb: 3\n", (3, 1), "a quote that opens on line 1"),
        ("a: [1, 2\nb: 3\n", (2, 2), "a bracket that opens on line 1"),
        ("a: *gone\n", (1, 4), "undefined alias 'gone'"),
        ("a: 1\n b: 2\n", (2, 3), "a second colon, or a line indented too far"),
        ("a: 1\n? [b]\n: 2\n", (2, 3), "a key that is not a word"),
        ("a: \x01\n", (1, 4), "the character U+0001"),
        (b"a: 1\nb: \xff\n", (2, 4), "the byte 0xff"),
        (
            b"\xef\xbb\xbfa: !!python/name:os.system x\n",
            (1, 4),
            "'x' with the tag python/name:os.system",
        ),
        ("<<: 3\n", (1, 5), "<< before a value that is not a mapping"),
        ("", (1, 1), "no manifest"),
        ("---\n# nothing\n---\n", (1, 1), "no manifest"),
        ("- 1\n", (1, 1), "a list of 1"),
        ("[" * 1_000, (1, 1), "levels deep"),
        ("a: &a [*a]\n", (1, 1), "levels deep"),
        (b"#" * (1 << 20) + b"\n", (1, 1), "more than 1 MiB"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str | bytes, place: tuple[int, int], found: str) -> None:
    hits = [problem for problem in problems(text) if found in problem.found]

    assert [(problem.line, problem.column) for problem in hits] == [place]


def test_what_stands_before_a_syntax_error_is_told_as_well() -> None:
    text = CAMPAIGN.replace("spring", "Spring") + "---\na: 'x\n"

    assert [(problem.line, problem.field) for problem in problems(text)] == [(4, "metadata.name"), (12, "")]


def test_an_alias_stands_for_its_value() -> None:
    text = CAMPAIGN.replace("- brand: socks", "- &look {brand: socks}\n    - {<<: *look, strength: 0.5}")

    (document,) = read(text)

    assert document.raw["spec"]["looks"] == [{"brand": "socks"}, {"brand": "socks", "strength": 0.5}]


def test_a_problem_inside_an_alias_is_told_where_it_is_used() -> None:
    text = CAMPAIGN.replace("- brand: socks", "- &look {brand: Socks}\n    - {<<: *look, strength: 0.5}")

    assert [(problem.line, problem.field) for problem in problems(text)] == [
        (7, "spec.looks[0].brand"),
        (7, "spec.looks[1].brand"),
    ]


def test_aliases_do_not_unfold_without_bound() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
    )

    assert told(laughs) == [
        "<stdin>:1:1: found a document that unfolds to more than 100000 values; write it out in full, with fewer aliases."
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("2026-11-21", "2026-11-21"),
        ("06:30", "06:30"),
        ("012", 12),
        ("0o17", 15),
        ("-0x10", -16),
        ("1_000", 1000),
        ("3e-3", 0.003),
        ("-.inf", float("-inf")),
        ("~", None),
        ("'7'", "7"),
        ("!!str 7", "7"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_says(written: str, value: object) -> None:
    (reading,) = read_documents(f"a: {written}\n")

    assert reading.value == {"a": value}
    assert type(reading.value["a"]) is type(value)


def test_an_older_yaml_does_not_turn_words_into_booleans() -> None:
    assert "'yes' with the tag bool" in told(f"%YAML 1.1\n---\n{CAMPAIGN}  output: {{contactSheet: yes}}\n")[0]


def test_a_name_given_twice_to_anchors_is_no_mistake() -> None:
    text = CAMPAIGN.replace(
        "- brand: socks", "- &x {brand: socks}\n    - &x {brand: shoes}\n    - {<<: *x, strength: 0.5}"
    )

    assert read(text)[0].raw["spec"]["looks"][2] == {"brand": "shoes", "strength": 0.5}


def test_a_message_shows_the_first_problems_and_counts_the_rest() -> None:
    text = CAMPAIGN + "".join(f"  unknown{number}: 1\n" for number in range(60))

    with pytest.raises(DocumentsInvalid) as refused:
        read(text)

    assert len(refused.value.problems) == 60
    assert refused.value.message.splitlines()[-1] == "... and 10 more."


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab: -\n\t'\"[]{}&*<!|>#%@,?~1."), max_size=40))
def test_no_text_escapes_as_another_error(text: str) -> None:
    with pytest.raises(DocumentsInvalid):
        read(text)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=40))
def test_no_bytes_escape_as_another_error(data: bytes) -> None:
    with pytest.raises(DocumentsInvalid):
        read(data)
