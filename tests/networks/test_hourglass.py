"""The names and shapes of published checkpoints, listed here independently from their files."""

import pytest
import torch

from poseharvest.errors import ShapeError
from poseharvest.networks.hourglass import StackedHourglass, shape_from_state
from poseharvest.networks.hourglass_shape import HourglassShape


def norm(prefix, channels):
    yield from ((f"{prefix}.{leaf}", (channels,)) for leaf in ("weight", "bias", "running_mean", "running_var"))
    yield f"{prefix}.num_batches_tracked", ()


def conv(prefix, channels_in, channels_out, kernel=1):
    yield f"{prefix}.weight", (channels_out, channels_in, kernel, kernel)
    yield f"{prefix}.bias", (channels_out,)


def residual(prefix, channels_in, features):
    yield from norm(f"{prefix}.bn1", channels_in)
    yield from conv(f"{prefix}.conv1", channels_in, features)
    yield from norm(f"{prefix}.bn2", features)
    yield from conv(f"{prefix}.conv2", features, features, 3)
    yield from norm(f"{prefix}.bn3", features)
    yield from conv(f"{prefix}.conv3", features, 2 * features)


def published(stacks, blocks):
    yield from conv("conv1", 3, 64, 7)
    yield from norm("bn1", 64)
    yield from residual("layer1.0", 64, 64)
    yield from conv("layer1.0.downsample.0", 64, 128)
    yield from residual("layer2.0", 128, 128)
    yield from conv("layer2.0.downsample.0", 128, 256)
    yield from residual("layer3.0", 256, 128)
    for stack in range(stacks):
        for place in ("0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "3.0", "3.1", "3.2"):
            for block in range(blocks):
                yield from residual(f"hg.{stack}.hg.{place}.{block}", 256, 128)
        for block in range(blocks):
            yield from residual(f"res.{stack}.{block}", 256, 128)
        yield from conv(f"fc.{stack}.0", 256, 256)
        yield from norm(f"fc.{stack}.1", 256)
        yield from conv(f"score.{stack}", 256, 16)
        if stack < stacks - 1:
            yield from conv(f"fc_.{stack}", 256, 256)
            yield from conv(f"score_.{stack}", 16, 256)


@pytest.mark.parametrize(("stacks", "blocks", "millions"), [(1, 1, 3.59), (2, 1, 6.73), (8, 1, 25.59), (2, 4, 24.75)])
def test_names_shapes_and_size_are_those_of_the_published_checkpoints(stacks, blocks, millions):
    with torch.device("meta"):
        network = StackedHourglass(HourglassShape(stacks=stacks, blocks=blocks))
    ours = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert ours == dict(published(stacks, blocks))
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize("shape", [HourglassShape(), HourglassShape(3, 2, 8, 6, 3, 14)])
def test_sizes_are_read_back_from_a_state_dict(shape):
    with torch.device("meta"):
        assert shape_from_state(StackedHourglass(shape).state_dict()) == shape


def test_a_non_square_picture_gives_a_heatmap_a_stack_at_a_quarter():
    network = StackedHourglass(HourglassShape(stacks=3, features=8, stem=4, depth=2)).eval()
    with torch.inference_mode():
        heatmaps = network(torch.randn(2, 3, 32, 48))
    assert [tuple(h.shape) for h in heatmaps] == [(2, 16, 8, 12)] * 3


def test_every_parameter_gets_a_gradient_when_all_stacks_are_trained():
    network = StackedHourglass(HourglassShape(stacks=2, features=8, stem=4, depth=2)).train()
    sum(h.square().sum() for h in network(torch.randn(2, 3, 32, 48))).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_later_stacks_see_the_heatmaps_of_earlier_ones():
    network = StackedHourglass(HourglassShape(stacks=2, features=8, stem=4, depth=2)).eval()
    pictures = torch.randn(1, 3, 32, 48)
    with torch.inference_mode():
        before = network(pictures)
        network.score[0].bias += 1.0
        after = network(pictures)
    assert torch.allclose(after[0], before[0] + 1.0, atol=1e-5)
    assert not torch.allclose(after[1], before[1], atol=1e-3)


def test_wrong_sizes_are_named():
    with pytest.raises(ShapeError, match=r"hourglass: expected \(B, 3, H, W\) in multiples of 64, got \(1, 3, 96, 64"):
        StackedHourglass(HourglassShape(features=2))(torch.zeros(1, 3, 96, 64))
    with pytest.raises(ShapeError, match="expected stacks of 1 to 64, got 0"):
        HourglassShape(stacks=0)
