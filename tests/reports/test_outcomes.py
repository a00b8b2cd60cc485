"""What `protect` says at its end: first what it could not protect."""

from __future__ import annotations

from pathlib import Path

from lowkey_core.photos.protected import Outcome
from reports.console.outcomes import line, summary, unprotected

GOOD = [
    Outcome("a.jpg", "protected", copy="a.png", faces=1, dssim=0.02),
    Outcome("b.jpg", "already protected", copy="b.png", faces=3, dssim=0.02),
]
BAD = [
    Outcome("c.jpg", "no face", "not copied"),
    Outcome("d.nef", "unsupported", "a camera's raw file"),
    Outcome("e.jpg", "not followed", "a link that leads to itself"),
]
OTHERS = [Outcome("notes.txt", "no picture"), Outcome(".DS_Store", "no picture")]


def said(*outcomes: Outcome) -> list[str]:
    return [*summary(outcomes, Path("out"))][:-1]


def test_what_is_not_protected_comes_first() -> None:
    assert said(*GOOD, *BAD, *OTHERS) == [
        "NOT PROTECTED, 3 of 5: c.jpg (no face), d.nef (unsupported), e.jpg (not followed)",
        "1 protected, 1 already protected, 1 no face, 1 unsupported, 1 not followed; see "
        "out/protected.jsonl",
        "photos with several faces cloaked: 1, with 3 faces",
        "other files, no pictures or hidden: 2",
    ]


def test_nothing_is_said_of_what_there_is_none_of() -> None:
    assert said(GOOD[0]) == ["1 protected; see out/protected.jsonl"]


def test_a_long_list_is_cut_and_counted() -> None:
    many = [Outcome(f"{i}.jpg", "no face") for i in range(25)]
    assert said(*many)[0].endswith("19.jpg (no face), 5 more")


def test_only_files_that_are_no_pictures_may_be_without_a_copy() -> None:
    assert unprotected([*GOOD, *BAD, *OTHERS]) == BAD


def test_what_a_copy_lost_is_in_its_line() -> None:
    outcome = Outcome("a.png", "protected", "16 bits a colour became 8", "a.jpg", 1, 0.02)
    assert line(outcome) == (
        "protected: a.png -> a.jpg (1 face, DSSIM 0.020) (16 bits a colour became 8)"
    )


def test_whether_a_detector_still_finds_the_faces_is_in_the_line() -> None:
    def said_of(faces: int, seen: int) -> str:
        outcome = Outcome("a.png", "protected", copy="a.png", faces=faces, dssim=0.02, seen=seen)
        return line(outcome).partition("DSSIM 0.020; ")[2]

    assert said_of(1, 1) == "a detector still finds it)"
    assert said_of(1, 0) == "a detector still finds none of 1)"
    assert said_of(3, 3) == "a detector still finds them)"
    assert said_of(3, 2) == "a detector still finds 2 of 3)"


def test_photos_in_which_faces_were_missed_are_named() -> None:
    missed = Outcome("a.png", "protected", copy="a.png", faces=1, dssim=0.02, more=2)
    assert line(missed).endswith(" (a second look finds 2 faces more)")
    assert said(missed, *GOOD)[-1] == "photos in which a second look finds more faces: a.png (2)"
