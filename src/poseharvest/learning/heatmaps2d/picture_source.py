"""Data sets of single annotated pictures, MPII and COCO, as samples to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.datasets.labelled_pictures import AnnotatedPicture, PersonLabels, PictureDataset
from poseharvest.errors import TrainingError
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.skeleton.skeleton import Skeleton

WINDOW_SCALE = 1.25
"""Side of the window over the person's height or the box's longer side; harvests use the same."""

_AROUND_JOINTS = 1.5  # joints end at wrists and ankles, people do not


@dataclass(frozen=True, eq=False)
class PictureSource:
    """People in pictures: a `SampleSource`.

    Attributes:
        skeleton: the network's joints. Joints that the data set does not label, by name, are ignored by the loss.
        people: a picture and the labels of one person in it, for every sample.
        joint_order: for every joint of the skeleton its index in the labels, -1 where they lack it.
    """

    skeleton: Skeleton
    people: Sequence[tuple[AnnotatedPicture, PersonLabels]]
    joint_order: tuple[int, ...]

    @classmethod
    def of(cls, dataset: PictureDataset, skeleton: Skeleton, *, min_joints: int = 4) -> PictureSource:
        """Return everybody in a data set who has at least some labelled joints of a skeleton.

        Raises:
            TrainingError: nobody has, or data set and skeleton have no joint in common.
        """
        theirs = dataset.skeleton.joints
        order = tuple(theirs.index(joint) if joint in theirs else -1 for joint in skeleton.joints)
        if all(index < 0 for index in order):
            raise TrainingError(f'{dataset.annotations}: "{dataset.skeleton.name}" has no joint of "{skeleton.name}"')
        people = [
            (picture, person)
            for picture in dataset.pictures
            for person in picture.people
            if int(_reordered(person.is_labelled, order).sum()) >= min_joints
        ]
        if not people:
            raise TrainingError(f"{dataset.annotations}: expected people with {min_joints} labelled joints, got none")
        return cls(skeleton, people, order)

    def __len__(self) -> int:
        return len(self.people)

    def sample(self, index: int) -> TrainingSample:
        """Return person `index`; hidden joints that are labelled are learned as well.

        Raises:
            CaptureError: the picture is missing or damaged.
        """
        picture, person = self.people[index]
        image = torch.from_numpy(picture.read()).permute(2, 0, 1)
        order = torch.tensor(self.joint_order)
        joints = torch.where((order >= 0)[:, None], person.pixels[order.clamp_min(0)], torch.nan)
        return TrainingSample(
            picture=image,
            joints=joints,
            weight=_reordered(person.is_labelled, self.joint_order).float(),
            window=person_window(person),
            head_px=person.head_px,
        )


def person_window(person: PersonLabels) -> Crop:
    """Return the square window around a person: by centre and height, else by the box, else by the joints."""
    center = (float(person.center[0]), float(person.center[1]))
    if person.height_px > 0 and bool(torch.isfinite(person.center).all()):
        return Crop(center, WINDOW_SCALE * person.height_px)
    if person.box is not None and bool(torch.isfinite(person.box).all()) and float(person.box[2:].max()) > 0:
        return Crop(center, WINDOW_SCALE * float(person.box[2:].max()))
    return crop_around(person.pixels[person.is_labelled], _AROUND_JOINTS, min_side=1.0)


def _reordered(labelled: Tensor, order: Sequence[int]) -> Tensor:
    picked = torch.tensor(order)
    return labelled[picked.clamp_min(0)] & (picked >= 0)
