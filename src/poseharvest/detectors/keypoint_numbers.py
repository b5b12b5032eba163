"""The numbers of keypoint files compared with the footage: which picture of its own view is each file of.

A number counts the pictures of its own view from 0, unless that cannot be right. Where numbers reach beyond the
footage, the readings below are tried in order, each for all views together; if none holds, the files are refused. An
offset that the user gives for a view is never questioned, only compared with the range of the footage.

1. The files are called as the pictures, where the pictures are files.
2. Pictures counted from 0.
3. Pictures counted from 1: no view has a 0, and one has a number for its last picture that says so.
4. All views begin with the same number, such as 440: that is the first picture.
5. Ids of a whole data set, such as 10010000001: what stands before the count of a view's pictures is the view's.
6. Every view has as many numbers, one after another, as it has pictures.
7. In lists that lack the pictures without people, the lowest number of all views is the first picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from poseharvest.capture.frames import ViewPictures
from poseharvest.detectors.keypoint_names import frame_numbers
from poseharvest.errors import DetectorError, FormatError
from poseharvest.findings import Finding, Severity

_TOPIC = "keypoint files"
_MOST_LISTED = 8
_BEYOND_THE_END = 1  # pictures: readers of videos differ in whether they give the last one
_LITTLE_COVERED = 0.9  # share of the pictures up to the last file, below which the rates may differ


@dataclass(frozen=True)
class ViewNumbers:
    """The numbers in the keypoint files of one view.

    Attributes:
        view: its name.
        numbers: in order, each once.
        names: the picture's name of a number, where files tell it.
        lists_every_picture: False where pictures without anybody are not listed.
    """

    view: str
    numbers: tuple[int, ...]
    names: Mapping[int, str]
    lists_every_picture: bool = True

    @property
    def step(self) -> int:
        """The commonest difference of neighbours, 1 for a single number."""
        steps = [b - a for a, b in pairwise(self.numbers)]
        return max(sorted(set(steps)), key=steps.count) if steps else 1

    @property
    def span(self) -> int:
        """Numbers from the first to the last."""
        return self.numbers[-1] - self.numbers[0] + 1

    def __str__(self) -> str:
        step = "" if self.step == 1 else f" in steps of {self.step}"
        return f"{self.view} {self.numbers[0]} to {self.numbers[-1]}{step} ({len(self.numbers)})"


@dataclass(frozen=True)
class Numbering:
    """Which number the files of a view give to each of its pictures.

    Attributes:
        offset: added to a file's number it is the picture's, where `number_of` is None.
        number_of: the file's number by the picture's.
    """

    offset: int = 0
    number_of: Mapping[int, int] | None = None

    def number(self, picture: int) -> int | None:
        """Return the files' number of a picture; None where they cannot have one."""
        if picture < 0:
            return None
        return picture - self.offset if self.number_of is None else self.number_of.get(picture)


@dataclass(frozen=True)
class ComparedNumbers:
    """What was taken for every view, and what a person should know of it."""

    of_view: dict[str, Numbering]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _View:
    """One view's files beside its footage."""

    files: ViewNumbers
    pictures: ViewPictures

    @property
    def num_pictures(self) -> int:
        return self.pictures.count

    def fits(self, offset: int, *, beyond: int = 0) -> bool:
        first, last = self.files.numbers[0] + offset, self.files.numbers[-1] + offset
        return first >= 0 and last < self.num_pictures + beyond

    def outside(self, offset: int) -> int:
        return sum(not 0 <= number + offset < self.num_pictures for number in self.files.numbers)


@dataclass(frozen=True)
class _Reading:
    """Offsets of all views, and what to say of them."""

    offsets: tuple[int, ...]
    message: str | None = None
    severity: Severity = "note"


def compare_numbers(
    files: Sequence[ViewNumbers],
    pictures: Sequence[ViewPictures],
    *,
    offsets: Mapping[str, int],
    source: str,
) -> ComparedNumbers:
    """Return which number each picture has in the files of its view.

    Args:
        files: the numbers of every view.
        pictures: the footage of the same views.
        offsets: what the user says is to be added to the numbers of a view; the other views are found out.
        source: the folder of the files, for messages.

    Raises:
        DetectorError: the numbers cannot be pictures of the footage, however they are read.
    """
    views = [_View(one, footage) for one, footage in zip(files, pictures, strict=True) if one.numbers]
    of_view = {one.view: Numbering(offsets.get(one.view, 0)) for one in files}
    findings = []
    named = {view.files.view: numbering for view in views if (numbering := _by_names(view)) is not None}
    views_with_offset = [view for view in views if view.files.view in offsets]
    open_views = [view for view in views if view.files.view not in offsets and view.files.view not in named]
    findings += [found for view in views_with_offset for found in _check_told(view, offsets[view.files.view], source)]
    of_view |= {view: numbering for view, numbering in named.items() if view not in offsets}
    if open_views:
        reading = _read(open_views, source)
        of_view |= {v.files.view: Numbering(offset) for v, offset in zip(open_views, reading.offsets, strict=True)}
        findings += [] if reading.message is None else [Finding(reading.severity, _TOPIC, reading.message)]
    counted = [(view, of_view[view.files.view].offset) for view in views if of_view[view.files.view].number_of is None]
    return ComparedNumbers(of_view, (*findings, *_compare_views(counted, source, offsets)))


def _by_names(view: _View) -> Numbering | None:
    """Return the numbering of files that are called as the pictures, or that have the numbers in their names."""
    names = view.pictures.names
    if names is None:
        return None
    at = {name.casefold(): picture for picture, name in enumerate(names)}
    named = {at[name.casefold()]: n for n, name in view.files.names.items() if name.casefold() in at}
    if len(named) == len(view.files.numbers):
        return Numbering(number_of=named)
    try:
        labels = frame_numbers(names, where=view.files.view)
    except FormatError:
        return None
    picture_of = {label: picture for picture, label in enumerate(labels)}
    if all(number in picture_of for number in view.files.numbers):
        return Numbering(number_of={picture_of[number]: number for number in view.files.numbers})
    return None


def _check_told(view: _View, offset: int, source: str) -> list[Finding]:
    """Return what is odd about an offset that the user gives."""
    outside = view.outside(offset)
    if outside == len(view.files.numbers):
        raise DetectorError(
            f"{source}: frame_offset {offset}: expected pictures 0 to {view.num_pictures - 1} of view "
            f'"{view.files.view}", got {view.files.numbers[0] + offset} to {view.files.numbers[-1] + offset}: '
            f"the files hold {view.files}; leave frame_offset out, or say frame_offset.{view.files.view}="
            f"{-view.files.numbers[0]} if the first file is of the first picture"
        )
    if not outside:
        return []
    message = (
        f'{source}: view "{view.files.view}": {outside} of {len(view.files.numbers)} numbers plus the frame_offset '
        f"{offset} lie beyond its pictures 0 to {view.num_pictures - 1}: not used"
    )
    # As many as the offset moves over the edge are what it asks for.
    return [Finding("note" if outside <= abs(offset) else "warning", _TOPIC, message)]


def _read(views: Sequence[_View], source: str) -> _Reading:
    """Return the first reading that can be right.

    Raises:
        DetectorError: none can.
    """
    for reading in (_from_zero, _from_one, _same_start, _ids, _one_to_one, _lowest_start):
        result = reading(views, source)
        if result is not None:
            return result
    raise DetectorError(
        f"{source}: expected numbers of the pictures of each view, got numbers that no count of them explains: "
        f"{_beside_footage(views)}"
        f"{_guess(views)}; say frame_offset.VIEW=NUMBER for each view that is to be shifted (--detector-option)"
    )


def _guess(views: Sequence[_View]) -> str:
    """Return what may have happened, as a question, or nothing."""
    beyond = [view for view in views if not view.fits(0, beyond=_BEYOND_THE_END)]
    twice = [v for v in beyond if v.num_pictures > 1 and round(v.files.span / v.num_pictures) >= 2]
    if twice and len(twice) == len(beyond):
        ratio = round(twice[0].files.span / twice[0].num_pictures)
        return f": was {_listed([v.files.view for v in twice])} detected in footage of {ratio} times the frame rate?"
    led = [v for v in beyond if v.pictures.lead and v.fits(-v.pictures.lead)]
    if led and len(led) == len(beyond):
        options = ", ".join(f"frame_offset.{view.files.view}={-view.pictures.lead}" for view in led)
        return f": are they frames of the capture instead? Then say {options}"
    return ""


def _from_zero(views: Sequence[_View], source: str) -> _Reading | None:
    """Pictures counted from 0; of which readers of videos may have given one more than we."""
    full = [view for view in views if view.files.numbers[0] == 0]
    if not all(view.fits(0, beyond=_BEYOND_THE_END if full == list(views) else 0) for view in views):
        return None
    first = min(view.files.numbers[0] for view in views)
    message = None
    if first > 0:
        message = (
            f"{source}: the lowest number of all views is {first}: taken as pictures counted from 0 ({_list(views)}); "
            "say frame_offset=-1 if they are counted from 1"
        )
    return _Reading((0,) * len(views), message)


def _from_one(views: Sequence[_View], source: str) -> _Reading | None:
    if not all(view.fits(-1) for view in views):
        return None
    message = f"{source}: numbers are taken as pictures counted from 1 ({_list(views)})"
    return _or_from_zero(views, (-1,) * len(views), message)


def _or_from_zero(views: Sequence[_View], offsets: tuple[int, ...], message: str) -> _Reading:
    """Return a reading from 1, with a warning where single views would fit as well if they counted from 0."""
    either = {
        view.files.view: offset + 1
        for view, offset in zip(views, offsets, strict=True)
        if view.files.lists_every_picture and view.fits(offset + 1)
    }
    if not either:
        return _Reading(offsets, message)
    options = ", ".join(f"frame_offset.{view}={offset}" for view, offset in either.items())
    message += f"; {_listed(list(either))} would also fit if counted from 0: if it is so, say {options}"
    return _Reading(offsets, message, "warning")


def _same_start(views: Sequence[_View], source: str) -> _Reading | None:
    starts = {view.files.numbers[0] for view in views}
    first = min(starts)
    every_picture = all(view.files.lists_every_picture for view in views)
    if not every_picture or len(starts) > 1 or not all(view.fits(-first) for view in views):
        return None
    message = (
        f"{source}: all views begin with number {first}: taken as the first picture ({_list(views)}); "
        f"frame_offset says it otherwise, now {-first}"
    )
    return _Reading((-first,) * len(views), message)


def _ids(views: Sequence[_View], source: str) -> _Reading | None:
    """Ids of a whole data set: the last digits count a view's pictures, those before them are the view's own."""
    digits = len(str(max(view.num_pictures for view in views)))
    longest = max(len(str(view.files.numbers[-1])) for view in views)
    for block in (10**power for power in range(digits, longest)):
        bases = [view.files.numbers[0] // block * block for view in views]
        if max(bases) == 0:
            break
        for one in (0, 1):
            if all(view.fits(-base - one) for view, base in zip(views, bases, strict=True)):
                counted = f"numbers are taken as ids of a data set whose last digits count a view's pictures from {one}"
                offsets = tuple(-base - one for base in bases)
                return _or_from_zero(views, offsets, f"{source}: {counted} ({_list(views)})")
    return None


def _one_to_one(views: Sequence[_View], source: str) -> _Reading | None:
    is_whole = all(v.files.step == 1 and v.files.span == len(v.files.numbers) == v.num_pictures for v in views)
    if not is_whole:
        return None
    message = (
        f"{source}: the views begin with different numbers, but each has one for each of its pictures: taken in their "
        f"order ({_list(views)})"
    )
    return _Reading(tuple(-view.files.numbers[0] for view in views), message, "warning")


def _lowest_start(views: Sequence[_View], source: str) -> _Reading | None:
    """Lists without the pictures of nobody begin where somebody is seen: the lowest number is the first picture."""
    first = min(view.files.numbers[0] for view in views)
    if any(view.files.lists_every_picture for view in views) or not all(view.fits(-first) for view in views):
        return None
    message = (
        f"{source}: the lowest number of all views, {first}, is taken as the first picture ({_list(views)}); "
        f"frame_offset says it otherwise, now {-first}"
    )
    return _Reading((-first,) * len(views), message)


def _compare_views(views: Sequence[tuple[_View, int]], source: str, given_offsets: Mapping[str, int]) -> list[Finding]:
    """Return what differs between the views, or between a view and its footage, and may be a mistake.

    Args:
        views: each with the offset that was taken.
        source: where the files lie.
        given_offsets: offsets that the user gave, by view: of these the range was compared already.
    """
    messages = []
    listing = [(view, offset) for view, offset in views if view.files.lists_every_picture]
    messages += _starts_that_differ(listing)
    messages += _starts_that_differ([(view, offset) for view, offset in views if _begins(view, offset) in (0, 1)])
    if len({view.files.step for view, _ in listing}) > 1:
        messages.append(
            f"the views' numbers have different steps: {_listed([str(view.files) for view, _ in listing])}: "
            "were they detected in footage of different frame rates?"
        )
    short = [
        view for view, offset in listing if view.files.numbers[-1] + offset < _LITTLE_COVERED * view.num_pictures - 1
    ]
    if short:
        messages.append(
            f"the files end early: {_beside_footage(short)}: were they detected in footage of another frame rate?"
        )
    beyond = [
        view
        for view, offset in listing
        if view.files.view not in given_offsets and not view.fits(offset) and view.fits(offset, beyond=_BEYOND_THE_END)
    ]
    if beyond:
        messages.append(
            f"the files reach beyond the last picture: {_beside_footage(beyond)}: check that they are of this footage"
        )
    return [Finding("warning", _TOPIC, f"{source}: {message}") for message in dict.fromkeys(messages)]


def _starts_that_differ(views: Sequence[tuple[_View, int]]) -> list[str]:
    """Return a message if the views begin with different pictures that lie at different frames of the capture."""
    starts = [_begins(view, offset) for view, offset in views]
    frames = {start + view.pictures.lead for (view, _), start in zip(views, starts, strict=True)}
    if len(set(starts)) < 2 or len(frames) < 2:
        return []
    listed = _listed([f"{view.files.view} {start}" for (view, _), start in zip(views, starts, strict=True)])
    return [
        f"the views begin with different pictures: {listed}: if a view counts from 1 where others count from 0, "
        "say frame_offset.VIEW=-1"
    ]


def _begins(view: _View, offset: int) -> int:
    return view.files.numbers[0] + offset


def _beside_footage(views: Sequence[_View]) -> str:
    return _listed([f"{view.files} beside pictures 0 to {view.num_pictures - 1}" for view in views])


def _list(views: Sequence[_View]) -> str:
    return _listed([str(view.files) for view in views])


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_LISTED} more" if len(texts) > _MOST_LISTED else ""
    return ", ".join(texts[:_MOST_LISTED]) + more
