"""Keypoint files of other 2D detectors, one view each: OpenPose's and EasyMocap's (a file a picture), or a list of all.

OpenPose: `people[].pose_keypoints_2d` is x, y, score of every joint, pixels of the picture; a joint that was not
found is 0, 0, 0. EasyMocap: `annots[].keypoints` is a list of such triples. COCO: either a data set (`images`,
`annotations`, `categories`), whose third value is a flag of visibility, or a list of results (`image_id`, `keypoints`;
AlphaPose writes these too), whose third value is a score. MMPose: `instance_info[].instances[]`, whose `frame_id`
counts from 1. The number of a picture is the number that varies in the names (`keypoint_names.py`), or else its id.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from poseharvest.detectors.keypoint_names import form_of, frame_numbers, is_number, stem_of
from poseharvest.detectors.keypoint_records import (
    coco_person,
    easymocap_person,
    field,
    hands_of,
    identity,
    mmpose_person,
    openpose_person,
    read_json,
    records,
)
from poseharvest.errors import DetectorError, FormatError

Person = Callable[[Any, Path], Tensor | None]


class KeypointFiles(Protocol):
    """The keypoints of one view, by the number that the files give to each picture."""

    @property
    def joints(self) -> tuple[str, ...] | None:
        """Names of the rows if the files name them, else None."""
        ...

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the pictures that the files hold, in order."""
        ...

    @property
    def names(self) -> Mapping[int, str]:
        """Name of each picture, without suffix, where the files tell it."""
        ...

    @property
    def lists_every_picture(self) -> bool:
        """False where pictures without anybody are not listed, so that the first number tells nothing."""
        ...

    def people(self, number: int) -> list[Tensor]:
        """Return (K, 3) float64 x, y, score of everybody in a picture; nobody where the files lack the number."""
        ...


class _PictureRecords(NamedTuple):
    """What the file of one picture holds."""

    path: Path
    key: str
    records: Sequence[Any]


class PictureFiles:
    """One view's folder of OpenPose's or EasyMocap's files. They are read when asked for: any length fits in memory.

    Files of another form of name that hold no people are none of theirs and are passed over.
    """

    joints: tuple[str, ...] | None = None
    lists_every_picture = True

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        records = _of_pictures(paths)
        if not records:
            raise DetectorError(f"{folder}: expected OpenPose's or EasyMocap's files (*.json), got none")
        numbers = frame_numbers([path.name for path in records], where=str(folder))
        self._paths = dict(zip(numbers, records, strict=True))

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the pictures that have a file."""
        return tuple(sorted(self._paths))

    @property
    def names(self) -> Mapping[int, str]:
        """The files' names without `_keypoints`: both tools call them as the pictures that they read."""
        return {number: path.stem.removesuffix("_keypoints") for number, path in self._paths.items()}

    def people(self, number: int) -> list[Tensor]:
        """Return (K, 3) x, y, score of everybody in a picture.

        Raises:
            FormatError: the file is damaged.
        """
        found = self._records(number)
        read_person = openpose_person if found.key == "people" else easymocap_person
        return _people(found.records, read_person, found.path)

    def hands(self, number: int) -> list[Tensor | None]:
        """Return (2, 21, 3) x, y, score of the hands of everybody in `people`, left and right; None without any.

        Raises:
            FormatError: the file is damaged.
        """
        found = self._records(number)
        read_person = openpose_person if found.key == "people" else easymocap_person
        of_people = [one for one in found.records if read_person(one, found.path) is not None]
        return [hands_of(one, found.key, found.path) for one in of_people]

    def _records(self, number: int) -> _PictureRecords:
        path = self._paths.get(number)
        if path is None:
            return _PictureRecords(Path(), "people", ())
        content = read_json(path)
        if not is_of_a_picture(content):
            raise FormatError(f"{path}: expected OpenPose's people, got {type(content).__name__} without them")
        key = "people" if "people" in content else "annots"
        return _PictureRecords(path, key, content[key])


class KeypointList:
    """One view's people from a file that holds all pictures."""

    def __init__(
        self,
        people: Mapping[int, list[Tensor]],
        *,
        names: Mapping[int, str],
        joints: tuple[str, ...] | None = None,
        lists_every_picture: bool = True,
    ) -> None:
        self._people = people
        self.names, self.joints, self.lists_every_picture = names, joints, lists_every_picture

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the pictures that the file holds."""
        return tuple(sorted(self._people))

    def people(self, number: int) -> list[Tensor]:
        """Return (K, 3) x, y, score of everybody in a picture."""
        return list(self._people.get(number, []))


def is_of_a_picture(content: Any) -> bool:
    """Return whether the content of a file is OpenPose's or EasyMocap's of one picture."""
    return isinstance(content, dict) and any(isinstance(content.get(key), list) for key in ("people", "annots"))


def read_list(path: Path, *, only: str | None = None) -> KeypointList:
    """Return the people of a file that holds all pictures of a view: COCO's data set or results, or MMPose's.

    Args:
        path: the file.
        only: take the pictures of this view alone, from a file that holds all views: those with the view's name in
            their own name or folder.

    Raises:
        FormatError: it is none of these, it is damaged, or its pictures cannot be told apart by number.
    """
    content = read_json(path)
    if isinstance(content, list):
        return _results(content, path, only)
    if isinstance(content, dict) and "instance_info" in content:
        return _mmpose(content, path)
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        return _data_set(content, path, only)
    raise FormatError(
        f"{path}: expected COCO's images and annotations, a list of COCO's or AlphaPose's results, or MMPose's "
        f"instance_info, got {_outline(content)}"
    )


def names_view(name: str, view: str) -> bool:
    """Return whether a picture's name, or one of its folders, holds the view's name as a whole word.

    >>> names_view("cam1/000010.jpg", "cam1"), names_view("cam10_000010.jpg", "cam1")
    (True, False)
    """
    return re.search(rf"(?<![0-9a-z]){re.escape(view)}(?![0-9a-z])", name, re.IGNORECASE) is not None


def _of_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the files of the commonest form of name, and of the others those that hold people all the same."""
    forms = {path: form_of(path.name) for path in paths}
    first = {form: path for path, form in reversed(forms.items())}
    counts = Counter({form: n for form, n in Counter(forms.values()).items() if is_of_a_picture(_content(first[form]))})
    commonest = [form for form, _ in counts.most_common(1)]
    return [path for path in paths if forms[path] in commonest or is_of_a_picture(_content(path))]


def _content(path: Path) -> Any:
    try:
        return read_json(path)
    except FormatError:
        return None


def _results(content: list[Any], path: Path, only: str | None) -> KeypointList:
    records_of: dict[str, list[Any]] = defaultdict(list)
    for record in content:
        records_of[identity(record, "image_id", path)].append(record)
    keys = [key for key in records_of if only is None or names_view(key, only)]
    if all(map(is_number, keys)):
        numbers: Sequence[int] = [int(key) for key in keys]
    else:
        numbers = frame_numbers(keys, where=str(path))
    named = {number: stem_of(key) for number, key in zip(numbers, keys, strict=True) if not is_number(key)}
    people = {number: _people(records_of[key], coco_person, path) for number, key in zip(numbers, keys, strict=True)}
    return KeypointList(people, names=named, lists_every_picture=False)


def _data_set(content: dict[str, Any], path: Path, only: str | None) -> KeypointList:
    name_of: dict[str, str] = {}
    for image in records(content, "images", path):
        key, name = identity(image, "id", path), str(image.get("file_name", ""))
        if key in name_of:
            raise FormatError(f"{path}: expected one image of id {key}, got {name_of[key]} and {name}")
        name_of[key] = name
    records_of: dict[str, list[Any]] = {key: [] for key in name_of}
    for annotation in records(content, "annotations", path):
        key = identity(annotation, "image_id", path)
        if key not in records_of:
            raise FormatError(f"{path}: expected the image {key} of an annotation among images, got none")
        records_of[key].append(annotation)
    chosen_names = {key: name for key, name in name_of.items() if only is None or names_view(name, only)}
    numbers = _numbers_of_images(chosen_names, path)
    people = {numbers[key]: _people(records_of[key], coco_person, path) for key in chosen_names}
    for person in (person for found in people.values() for person in found):
        person[:, 2] = (person[:, 2] > 0).double()
    names = {numbers[key]: stem_of(name) for key, name in chosen_names.items() if name}
    return KeypointList(people, names=names, joints=_named_joints(content, path))


def _numbers_of_images(name_of: Mapping[str, str], path: Path) -> dict[str, int]:
    """Return the number of each image, by its id: from the names where they have one, else the id."""
    if any(re.search(r"\d", name) for name in name_of.values()):
        return dict(zip(name_of, frame_numbers(list(name_of.values()), where=str(path)), strict=True))
    wrong = [key for key in name_of if not is_number(key)]
    if wrong:
        raise FormatError(f"{path}: expected a number in the name or the id of an image, got {wrong[0]}")
    return {key: int(key) for key in name_of}


def _mmpose(content: dict[str, Any], path: Path) -> KeypointList:
    people: dict[int, list[Tensor]] = {}
    for moment in records(content, "instance_info", path):
        number = field(moment, "frame_id", path)
        if not isinstance(number, int) or number - 1 in people:
            raise FormatError(
                f"{path}: expected a frame_id of its own in every entry, got {number!r} again or no count"
            )
        people[number - 1] = _people(records(moment, "instances", path), mmpose_person, path)
    return KeypointList(people, names={})


def _people(records: Sequence[Any], read_person: Person, path: Path) -> list[Tensor]:
    return [person for person in (read_person(record, path) for record in records) if person is not None]


def _named_joints(content: dict[str, Any], path: Path) -> tuple[str, ...] | None:
    categories = records(content, "categories", path) if content.get("categories") else []
    named = [category["keypoints"] for category in categories if category.get("keypoints")]
    if named and not (isinstance(named[-1], list) and all(isinstance(name, str) for name in named[-1])):
        raise FormatError(f'{path}: "keypoints" of a category: expected the names of joints, got {str(named[-1])[:60]}')
    return tuple(named[-1]) if named else None


def _outline(content: Any) -> str:
    return f"a record with {', '.join(map(str, content))[:80]}" if isinstance(content, dict) else str(content)[:60]
