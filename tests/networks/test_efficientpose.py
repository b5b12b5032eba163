import pytest
import torch

from poseharvest.errors import ShapeError
from poseharvest.networks.efficientpose import ConvNorm, EfficientPose


def test_a_non_square_picture_gives_two_stacks_at_an_eighth():
    network = EfficientPose().eval()
    with torch.inference_mode():
        heatmaps = network(torch.randn(2, 3, 64, 96))
    assert [tuple(h.shape) for h in heatmaps] == [(2, 16, 8, 12)] * 2


def test_every_parameter_gets_a_gradient_when_both_stacks_are_trained():
    network = EfficientPose().train()
    sum(h.square().sum() for h in network(torch.randn(2, 3, 32, 48))).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_sizes_that_would_shift_the_padding_are_refused():
    with pytest.raises(ShapeError, match=r"multiples of 16, got \(1, 3, 40, 64\)"):
        EfficientPose()(torch.zeros(1, 3, 40, 64))


@pytest.mark.parametrize(("kernel", "first"), [(3, 0), (5, -1)])
def test_stride_two_puts_the_odd_pixel_of_padding_at_the_bottom_right(kernel, first):
    layer = ConvNorm(1, 1, kernel=kernel, stride=2).double().eval()
    with torch.no_grad():
        layer.conv.weight.copy_(torch.arange(1.0, kernel**2 + 1).view(1, 1, kernel, kernel))
    impulse = torch.zeros(1, 1, 8, 12, dtype=torch.float64)
    impulse[0, 0, 4, 6] = 1.0
    scale = (1 + layer.norm.eps) ** 0.5
    # Output (r, c) sees rows 2 r + first ..., so the impulse meets kernel row 4 - (2 r + first).
    with torch.inference_mode():
        value = layer(impulse)[0, 0, 2, 3] * scale
    assert value.item() == pytest.approx(1 - first + kernel * -first, abs=1e-9)
