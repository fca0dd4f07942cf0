"""Captions are paired by name, worded by the glossary, and must hold the trigger as a word."""

from __future__ import annotations

from jobs.datasets import captions


def test_a_picture_goes_with_the_text_of_its_name():
    names = ["b.JPG", "a.png", "a.txt", "deep/c.webp", "deep/c.txt"]
    assert captions.pairs(names) == [("a.png", "a.txt"), ("b.JPG", None), ("deep/c.webp", "deep/c.txt")]


def test_what_is_neither_picture_nor_caption_is_named_with_a_reason():
    assert captions.strays(["a.png", "a.txt", "b.txt", "notes.pdf"]) == [
        ("b.txt", "a caption without a picture"),
        ("notes.pdf", "not a picture"),
    ]


def test_the_glossary_replaces_whole_words_only():
    assert captions.worded("Sox and  soxlike  sox", {"sox": "sock"}) == "sock and soxlike sock"


def test_the_trigger_must_stand_alone():
    assert captions.holds("a photo of a stblsx sock", "stblsx")
    assert not captions.holds("a photo of a stblsxx sock", "stblsx")


def test_a_glossary_word_with_a_backslash_is_taken_as_it_stands():
    assert captions.worded("a cap", {"cap": r"\1"}) == r"a \1"
