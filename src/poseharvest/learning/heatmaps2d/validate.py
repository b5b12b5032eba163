"""How good a network is on samples that it was not trained on: PCKh."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from poseharvest.detectors.network import Family
from poseharvest.errors import TrainingError
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.evaluation.pck import pckh
from poseharvest.evaluation.scores import Score
from poseharvest.heatmaps.maps import map_peaks
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.batches import network_picture, picture_points
from poseharvest.learning.loop.samples import SampleSource, TrainingSample

_HEAD_ENDS = ("head_top", "upper_neck")


def validate(network: nn.Module, family: Family, source: SampleSource, *, batch_size: int = 4) -> Score:
    """Return PCKh@0.5 of the peaks of a network's last heatmaps, percent.

    The head's size is the sample's, or, where that is unknown, the distance from head_top to upper_neck.

    Raises:
        TrainingError: no sample says how large the head is.
    """
    estimates, truth, heads = [], [], []
    was_training = network.training
    network.eval()
    for start in range(0, len(source), batch_size):
        samples = [source.sample(index) for index in range(start, min(start + batch_size, len(source)))]
        estimates += _peaks(network, family, samples)
        truth += [sample.known for sample in samples]
        heads += [_head_px(sample, family) for sample in samples]
    network.train(was_training)
    if not np.isfinite(heads).any():
        raise TrainingError("validation: expected samples with the size of the head, or with head_top and upper_neck")
    return pckh(PosePairs.of(torch.stack(estimates), torch.stack(truth), family.skeleton.joints), np.asarray(heads))


@torch.no_grad()
def _peaks(network: nn.Module, family: Family, samples: list[TrainingSample]) -> list[Tensor]:
    device = next(network.parameters()).device
    inputs = torch.stack([network_picture(sample, Variation(), family.preprocessing) for sample in samples])
    peaks = map_peaks(network(inputs.to(device))[-1].float().cpu()).pixels
    return [picture_points(points, sample, family) for points, sample in zip(peaks, samples, strict=True)]


def _head_px(sample: TrainingSample, family: Family) -> float:
    if np.isfinite(sample.head_px) or not set(_HEAD_ENDS) <= set(family.skeleton.joints):
        return sample.head_px
    top, neck = (sample.known[family.skeleton.index(joint)] for joint in _HEAD_ENDS)
    return float(torch.linalg.vector_norm(top - neck))
