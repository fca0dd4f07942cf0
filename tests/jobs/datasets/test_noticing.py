"""What a person should know of a folder: said once, in a sentence, with the pictures that it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jobs.datasets import noticing
from jobs.datasets.noticing import Notice


@dataclass(frozen=True)
class Facts:
    name: str
    width: int = 512
    height: int = 512
    pixels: str = ""
    brightness: float = 120.0
    spread: float = 40.0
    sharpness: float = 80.0
    likeness: int = 0
    ground: tuple[float, ...] = ()

    @property
    def short_side(self) -> int:
        return min(self.width, self.height)


def sound(count: int) -> list[Facts]:
    """Pictures that nothing can be said against: each of its own likeness and on its own ground."""
    return [
        Facts(f"{number}.png", pixels=f"{number}", likeness=0xFFFFFF << (number * 24), ground=(number * 20.0,) * 36)
        for number in range(count)
    ]


def found(facts: list[Facts], resolution: int = 512, fewest: int = 1) -> dict[str, Notice]:
    return {one.about: one for one in noticing.notices(facts, resolution, fewest) if one.about != "few"}


def test_sound_pictures_are_passed_in_silence() -> None:
    assert list(noticing.notices(sound(15), 512, 8)) == []


def test_too_few_pictures_are_counted() -> None:
    told = [one.sentence for count in (6, 9) for one in noticing.notices(sound(count), 512, 8)]
    assert told == [
        "6 pictures can be read, and an intake asks for at least 8: add 2",
        "9 pictures are few: 15 to 100 serve best",
    ]


def test_each_fault_names_its_pictures() -> None:
    one, two, three, four, five, six, *rest = sound(12)
    faulty = [
        replace(one, height=300),
        replace(two, brightness=3.0, spread=1.0, sharpness=0.0),
        replace(three, brightness=252.0),
        replace(four, spread=1.0, sharpness=0.0),
        replace(five, sharpness=13.0),
        replace(six, width=1024),
    ]
    assert {about: notice.files for about, notice in found([*faulty, *rest]).items()} == {
        "small": ("0.png",),
        "long": ("0.png", "5.png"),
        "dark": ("1.png",),
        "bright": ("2.png",),
        "empty": ("3.png",),
        "blurred": ("4.png",),
    }


def test_blur_is_also_measured_against_the_others() -> None:
    sharp = [replace(one, sharpness=200.0) for one in sound(9)]
    assert found([replace(sharp[0], sharpness=45.0), *sharp[1:]])["blurred"].files == ("0.png",)
    assert "blurred" not in found([replace(sharp[0], sharpness=60.0), *sharp[1:]])


def test_the_same_picture_in_another_cut_is_one_group() -> None:
    first, second, third, *rest = sound(9)
    near = replace(second, likeness=first.likeness ^ 0b1111, ground=first.ground)
    same = replace(third, pixels=second.pixels)
    notice = found([first, replace(near, pixels=second.pixels), same, *rest])["alike"]
    assert notice.files == ("0.png", "1.png", "2.png")
    assert notice.sentence == "0.png and 2 others are the same picture, or nearly: one is enough"
    far = replace(second, likeness=first.likeness ^ 0xFFFF, ground=first.ground)
    assert "alike" not in found([first, far, third, *rest])


def test_a_background_that_most_share_is_told() -> None:
    facts = sound(10)
    shared = [replace(one, ground=(250.0,) * 36) for one in facts[:6]]
    notice = found([*shared, *facts[6:]])["same-background"]
    assert notice.sentence == "6 of 10 pictures have the same background, which the brand would learn as its own"
    assert notice.files == tuple(f"{number}.png" for number in range(6))
    assert "same-background" not in found([*shared[:4], *facts[4:]])


def test_captions_that_lack_differ_or_say_all_the_same() -> None:
    texts = {f"{number}.png": "a photo of a stblsx sock" for number in range(3)}
    told = noticing.caption_notices(["9.png"], [("8.png", "its caption is empty")], texts, ["7.txt"], "stblsx")
    assert {one.about: one.files for one in told} == {
        "uncaptioned": ("9.png",),
        "caption-unusable": ("8.png",),
        "untriggered": ("7.txt",),
        "same-caption": ("0.png", "1.png", "2.png"),
    }
    assert list(noticing.caption_notices([], [], {"a": "x", "b": "x", "c": "y"}, [], "stblsx")) == []
