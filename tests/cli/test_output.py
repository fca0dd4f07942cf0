"""The same answer in every form: tables for terminals, TSV for pipes, JSON, YAML and names for scripts."""

from __future__ import annotations

import io
import json

import pytest
from rich.text import Text
from ruamel.yaml import YAML

from cli import yaml_text
from cli.output import Answer, Format, Output

ANSWER = Answer(
    people=lambda width, wide: Text(f"for people, {width} columns{', wide' if wide else ''}"),
    rows=(("NAME", "NOTE"), ("socks", "two\nlines\tand a tab")),
    data=[{"name": "socks", "on": True, "note": "no"}],
    names=["brandproject/socks"],
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (Format.TABLE, "for people, 80 columns\n"),
        (Format.WIDE, "for people, 80 columns, wide\n"),
        (Format.TSV, "NAME\tNOTE\nsocks\ttwo lines and a tab\n"),
        (Format.NAME, "brandproject/socks\n"),
        (Format.YAML, '- name: socks\n  "on": true\n  note: "no"\n'),
    ],
)
def test_an_answer_in_each_form(form: Format, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    Output(form, out=out).show(ANSWER)
    assert out.getvalue() == written


def test_json_reads_back_as_what_it_was() -> None:
    out = io.StringIO()
    Output(Format.JSON, out=out).show(ANSWER)
    assert json.loads(out.getvalue()) == ANSWER.data


def test_a_pipe_gets_tsv_and_a_terminal_a_table() -> None:
    assert Output(out=io.StringIO()).form is Format.TSV
    assert Output(out=Terminal()).form is Format.TABLE


def test_a_pipe_gets_long_values_whole() -> None:
    out = io.StringIO()
    long = "x" * 500
    Output(out=out).show(Answer(people=lambda _w, _x: "", rows=((long,),), data=None))
    assert out.getvalue() == long + "\n"


def test_talk_goes_to_stderr_with_its_brackets() -> None:
    out, err = io.StringIO(), io.StringIO()
    Output(out=out, err=err).warn("no tag [bold]")
    assert (out.getvalue(), err.getvalue()) == ("", "Warning: no tag [bold]\n")


def test_no_colour_is_written_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    Output(out=out).show(Answer(people=lambda _w, _x: Text("Ready", "green"), rows=(), data=None))
    assert out.getvalue() == "Ready\n"


def test_no_bar_is_drawn_without_a_terminal() -> None:
    err = io.StringIO()
    with Output(out=io.StringIO(), err=err).progress("Uploading") as tell:
        tell(1, 2)
    assert err.getvalue() == ""


def test_a_bar_is_drawn_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    err = Terminal()
    with Output(out=io.StringIO(), err=err).progress("Uploading") as tell:
        tell(2, 2)
    assert "Uploading" in err.getvalue()


def test_without_a_terminal_waiting_says_only_what_changes() -> None:
    err = io.StringIO()
    with Output(out=io.StringIO(), err=err).waiting("Waiting") as tell:
        for words in ("Training", "Training", "Sampling"):
            tell(words)
    assert err.getvalue() == "Waiting\nTraining\nSampling\n"


@pytest.mark.parametrize("version", [(1, 1), (1, 2)])
def test_yaml_reads_back_in_both_versions(version: tuple[int, int]) -> None:
    data = {
        "on": ["no", "1e3", "012", "a: b", "#x", "", "two\nlines", "12:30", "x" * 200, "~", "=", "ünï", "y"],
        "deep": [{"a": [1, 2.5, None, True, [], {}], "b": {"c": "v1"}}, [["nested"], "plain words"]],
    }
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    assert yaml.load(yaml_text.written(data)) == data
