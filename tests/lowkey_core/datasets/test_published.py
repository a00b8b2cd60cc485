"""Data sets in the layouts that they are published in, as trees made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lowkey_core import datasets
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, UnreadableImageError
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from tests.lowkey_core.datasets.folders import make

META = (
    "Class_ID, Name, Sample_Num, Flag, Gender\n"
    'n000001, "Ann_Ot""her, Jr.", 424, 0, f\n'
    'n000002, "Bob", 315, 1, m\n'
    'n000009, "Eve", 2, 1, f\n'
)
BOXES = "TEMPLATE_ID,SUBJECT_ID,FILENAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,SIGHTING_ID\n"


def read(name: str, root: Path, **options: object) -> Dataset:
    given = "".join(f":{key}={value}" for key, value in options.items())
    return datasets.load(f'{name}:"{root}"{given}')


def who(found: Dataset) -> dict[str, list[str]]:
    return {p: [photo.name for photo in photos] for p, photos in found.by_identity.items()}


def test_megaface_has_people_below_groups_at_any_depth(tmp_path: Path) -> None:
    make(tmp_path, "0/7/1.jpg", "0/7/2.jpg", "1/7/1.jpg", "1/2/8/1.jpg", "1/list.txt", "loose.jpg")
    found = read("megaface", tmp_path)
    assert who(found) == {
        "0/7": ["0/7/1.jpg", "0/7/2.jpg"],
        "1/2/8": ["1/2/8/1.jpg"],
        "1/7": ["1/7/1.jpg"],
    }
    assert found.notes == (
        f"1 pictures in {tmp_path.name} belong to nobody.",
        "1 other files are no pictures, or hidden.",
    )


def test_each_of_megafaces_distractors_is_a_person(tmp_path: Path) -> None:
    make(tmp_path, "100/a@N00/1.jpg", "100/a@N00/2.jpg", "loose.jpg")
    found = read("megaface", tmp_path, distractors="on")
    assert len(found.by_identity) == len(found.photos) == 3
    assert found.notes == ()


def test_facescrubs_photos_count_once(tmp_path: Path) -> None:
    names = ["actors/images/Ann/1.jpg", "actors/faces/Ann/1.jpg", "actresses/Eve/face/1.jpg"]
    make(tmp_path, *names, "actresses/Eve/face/2.jpg", "Bob/1.jpg", "Bob/face/1.jpg")
    found = read("facescrub", tmp_path)
    assert found.called == "FaceScrub", "as dlib's card calls what it learned from"
    eve = ["actresses/Eve/face/1.jpg", "actresses/Eve/face/2.jpg"]
    assert who(found) == {"Ann": names[:1], "Bob": ["Bob/1.jpg"], "Eve": eve}
    assert found.notes == ("2 pictures are faces cut out of photos: left out.",)
    cut = read("facescrub", tmp_path, faces="on")
    assert who(cut) == {"Ann": names[1:2], "Bob": ["Bob/face/1.jpg"], "Eve": eve}
    assert cut.notes == ("2 pictures are photos: left out.",)


def test_vggface2_says_who_is_of_which_group(tmp_path: Path) -> None:
    make(tmp_path / "data", "train/n000001/1.jpg", "test/n000002/1.jpg", "train/n000003/1.jpg")
    make(tmp_path / "data", "train/odd/1.jpg")
    (tmp_path / "identity_meta.csv").write_text(META)
    found = read("vggface2", tmp_path / "data")
    assert [*found.by_identity] == ["n000001", "n000002", "n000003"]
    assert found.groups == {"n000001": "female", "n000002": "male"}
    assert "1 pictures in data belong to nobody." in found.notes
    assert "1 people are not in identity_meta.csv: n000003." in found.notes
    (tmp_path / "identity_meta.csv").unlink()
    assert read("vggface2", tmp_path / "data").groups == {}


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (META.replace("315, 1, m", "315, 1, x"), "line 3: 'n000002' is 'x'; expected n000001"),
        (META.replace("Gender", "Sex"), "line 1: the header is 'class_id,name,sample_num,flag,sex"),
        (META.replace("n00000", "n00005"), "names none of 1 people"),
        ("n000001\0", "line 1: "),
    ],
)
def test_a_wrong_table_of_vggface2_is_named(tmp_path: Path, table: str, complaint: str) -> None:
    make(tmp_path, "n000001/1.jpg")
    (tmp_path / "identity_meta.csv").write_text(table)
    with pytest.raises(DatasetError, match=complaint):
        read("vggface2", tmp_path)


@pytest.mark.parametrize("inner", ["img_align_celeba", "img_align_celeba/img_align_celeba"])
def test_celebas_table_says_who(tmp_path: Path, inner: str) -> None:
    make(tmp_path / inner, "000001.jpg", "000002.jpg", "000003.jpg")
    table = "000001.jpg 2880\n000002.jpg 7\n000003.jpg 2880\n000004.jpg 9\n"
    (tmp_path / "identity_CelebA.txt").write_text(table)
    found = read("celeba", tmp_path)
    assert who(found) == {"2880": ["000001.jpg", "000003.jpg"], "7": ["000002.jpg"]}
    assert found.notes == ("1 pictures of the table are not there: 000004.jpg.",)
    assert found.photos[0].read() == b"000001.jpg"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("../1.jpg 7\n", "line 1: a line is '../1.jpg 7'; expected as 000001.jpg 2880"),
        ("000001.jpg 7\n000001.jpg 8\n", "line 2: 000001.jpg is there twice"),
        ("000009.jpg 7\n", "none of 1 pictures that"),
        ("000001.jpg \xff\n", "it holds 0xff"),
    ],
)
def test_a_wrong_table_of_celeba_is_named(tmp_path: Path, table: str, complaint: str) -> None:
    make(tmp_path / "img_align_celeba", "000001.jpg")
    (tmp_path / "identity_CelebA.txt").write_bytes(table.encode("latin-1"))
    with pytest.raises(DatasetError, match=complaint):
        read("celeba", tmp_path)


def test_celeba_needs_table_and_pictures(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="without a folder of pictures"):
        read("celeba", tmp_path)
    make(tmp_path / "img_celeba", "000001.jpg")
    with pytest.raises(DatasetError, match=r"without identity_CelebA\.txt"):
        read("celeba", tmp_path)


def boxed(root: Path, *rows: str) -> Path:
    """A table beside a photo of 60x40 pixels, of which each has its column as its red value."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0] = np.arange(60)
    (root / "img").mkdir(exist_ok=True)
    (root / "img/1.png").write_bytes(encode_pixels(pixels, "PNG"))
    (root / "gallery.csv").write_text(BOXES + "".join(f"{row}\n" for row in rows))
    return root / "gallery.csv"


def test_a_face_of_ijb_is_what_is_in_its_box_and_around(tmp_path: Path) -> None:
    table = boxed(tmp_path, "1,7,img/1.png,20,10,8,4,0", "2,8,img/1.png,0,0,10,10,0")
    found = datasets.load(f"ijb:{table}")
    assert [*found.by_identity] == ["7", "8"]
    one, other = (decode_pixels(photo.read()) for photo in found.photos)
    assert one.shape == (8, 16, 3)
    assert one[0, :, 0].tolist() == [*range(16, 32)]
    assert other.shape == (15, 15, 3), "cut at the photo's edge"


def test_templates_of_ijb_are_one_person_and_a_face_counts_once(tmp_path: Path) -> None:
    same, other = "7,img/1.png,20,10,8,4,0", "7,img/1.png,30,10,8,4,0"
    found = read("ijb", boxed(tmp_path, f"1,{same}", f"2,{same}", f"3,{other}"))
    assert who(found) == {"7": ["img/1.png 20,10,8,4", "img/1.png 30,10,8,4"]}


def test_ijbs_media_may_be_elsewhere(tmp_path: Path) -> None:
    table = boxed(tmp_path, "1,7,1.png,20,10,8,4,0")
    assert len(datasets.load(f'ijb:"{table}":media="{tmp_path / "img"}"').photos) == 1


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1,7,../1.png,0,0,9,9,0", "line 2: ../1.png leaves"),
        ("1,7,/etc/hostname,0,0,9,9,0", "line 2: /etc/hostname leaves"),
        ("1,7,img/2.png,0,0,9,9,0", "line 2: img/2.png is not a file"),
        ("1,7,img/1.png,0,0,0,9,0", "line 2: the box is 0, 0, 0, 9"),
        ("1,7,img/1.png,-1,0,9,9,0", "line 2: the box is -1, 0, 9, 9"),
        ("1,7,img/1.png,nan,0,9,9,0", "line 2: the box is nan, 0, 9, 9"),
        ("1,7,img/1.png,0,0,99999,9,0", "line 2: the box is 0, 0, 99999, 9"),
        ("1,,img/1.png,0,0,9,9,0", "line 2: a row is"),
    ],
)
def test_a_wrong_row_of_ijb_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        read("ijb", boxed(tmp_path, row))


def test_one_face_of_ijb_is_of_one_person(tmp_path: Path) -> None:
    rows = ("1,7,img/1.png,20,10,8,4,0", "1,8,img/1.png,20,10,8,4,0")
    with pytest.raises(DatasetError, match=r"line 3: .* is of 8, and before of 7"):
        read("ijb", boxed(tmp_path, *rows))


def test_a_box_outside_its_photo_is_an_unreadable_picture(tmp_path: Path) -> None:
    (photo,) = read("ijb", boxed(tmp_path, "1,7,img/1.png,60,10,8,4,0")).photos
    with pytest.raises(UnreadableImageError, match="is 60x40, its face at 60, 10"):
        photo.read()


@pytest.mark.parametrize("name", ["megaface", "facescrub", "vggface2"])
def test_a_folder_of_nobody_is_named(tmp_path: Path, name: str) -> None:
    make(tmp_path, "notes.txt")
    with pytest.raises(DatasetError, match="holds 0 pictures, and none of anybody"):
        read(name, tmp_path)


def test_a_link_out_of_celebas_folder_is_no_picture_of_it(tmp_path: Path) -> None:
    make(tmp_path / "celeba/img_celeba", "000001.jpg")
    make(tmp_path, "secret.jpg")
    (tmp_path / "celeba/img_celeba/000002.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "celeba/identity_CelebA.txt").write_text("000001.jpg 1\n000002.jpg 2\n")
    found = read("celeba", tmp_path / "celeba")
    assert who(found) == {"1": ["000001.jpg"]}
    assert found.notes == ("1 pictures of the table are not there: 000002.jpg.",)


def test_two_faces_of_one_photo_are_two_pictures(tmp_path: Path) -> None:
    table = boxed(tmp_path, "1,7,img/1.png,20,10,8,4,0", "2,8,img/1.png,0,0,10,10,0")
    one, other = datasets.load(f"ijb:{table}").photos
    assert one.path == other.path
    assert one.place != other.place
