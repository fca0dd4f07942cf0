"""Every failure leaves as a sentence, a next step and an exit code."""

from __future__ import annotations

import io
import sys

import click
import pytest

from cli.problems import Exit, exit_code_of
from jobs import errors


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.FarmError("It failed."), Exit.FAILED),
        (errors.FarmDown("No farm."), Exit.FAILED),
        (errors.FarmBusy("Another farm."), Exit.FAILED),
        (errors.StoreUnavailable("Away."), Exit.FAILED),
        (errors.Corrupt("Damaged."), Exit.FAILED),
        (errors.Conflict("Changed."), Exit.FAILED),
        (errors.DispatcherUnavailable("Silent."), Exit.FAILED),
        (errors.ManifestInvalid("Wrong."), Exit.USAGE),
        (errors.BaseUnknown("Unknown."), Exit.USAGE),
        (errors.SourceUnreadable("Unreadable."), Exit.USAGE),
        (errors.NotFound("Nothing."), Exit.NOT_FOUND),
        (errors.Timeout("Late."), Exit.TIMEOUT),
        (errors.NotApproved("Not yet."), Exit.NOT_APPROVED),
        (KeyboardInterrupt(), Exit.DETACHED),
        (click.Abort(), Exit.DETACHED),
        (click.UsageError("What?"), Exit.USAGE),
        (TypeError("odd"), Exit.FAILED),
    ],
)
def test_an_error_decides_the_exit_code(error: BaseException, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: _raise(error)) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err != ""


def test_the_codes_are_those_that_scripts_rely_on() -> None:
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 5, 7, 130]


def test_an_error_says_what_and_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(lambda: _raise(errors.FarmDown("No farm runs in /farm.", hint="Start one with `brandfarm up`.")))
    assert capsys.readouterr().err == "Error: No farm runs in /farm.\nNext:  Start one with `brandfarm up`.\n"


def test_in_a_terminal_no_word_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setenv("COLUMNS", "32")
    exit_code_of(lambda: _raise(errors.FarmDown("No farm runs in /farm.", hint="Start one with `brandfarm up`.")))
    assert screen.getvalue().splitlines() == [
        "Error: No farm runs in /farm.",
        "Next:  Start one with `brandfarm",
        "       up`.",
    ]


def test_an_interrupted_verb_says_that_the_farm_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(lambda: _raise(KeyboardInterrupt()))
    assert "Detached: the farm goes on" in capsys.readouterr().err


def test_what_was_not_foreseen_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(lambda: _raise(TypeError("odd")))
    assert "TypeError: odd" in (told := capsys.readouterr().err)
    assert "BRANDFARM_DEBUG=1" in told


def test_with_debugging_it_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDFARM_DEBUG", "1")
    with pytest.raises(TypeError, match="odd"):
        exit_code_of(lambda: _raise(TypeError("odd")))


def test_a_verb_returns_its_own_code() -> None:
    assert exit_code_of(lambda: Exit.FAILED) == 1
    assert exit_code_of(lambda: None) == 0
