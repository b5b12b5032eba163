import pytest
import torch
from torch import nn

from poseharvest.networks.efficientpose import EfficientPose, fuse_efficientpose
from poseharvest.networks.fused_hourglass import fuse_hourglass
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape


def with_statistics(network, generator):
    """Set the statistics, scales and shifts of batch norms, so that folding must include them."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=generator))
    return network.eval()


@pytest.mark.parametrize(
    ("network", "fuse", "size"),
    [
        (EfficientPose(), fuse_efficientpose, (64, 96)),
        (StackedHourglass(HourglassShape(stacks=2, blocks=2, features=8, stem=4, depth=2)), fuse_hourglass, (32, 48)),
    ],
    ids=["efficientpose", "hourglass"],
)
def test_fused_networks_give_the_same_heatmaps(network, fuse, size, generator):
    network = with_statistics(network, generator).double()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pictures = torch.randn((2, 3, *size), generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        expected, got = network(pictures), fuse(network)(pictures.to(memory_format=torch.channels_last))
    for theirs, ours in zip(expected, got, strict=True):
        assert torch.allclose(theirs, ours, rtol=1e-9, atol=1e-9 * float(theirs.abs().max()))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_no_batch_norm_is_left():
    for fused in (fuse_efficientpose(EfficientPose()), fuse_hourglass(StackedHourglass(HourglassShape(features=8)))):
        norms = [name for name, module in fused.named_modules() if isinstance(module, nn.BatchNorm2d)]
        # A pre-activation block starts with a norm that follows no convolution: that one has to stay.
        assert all(name.endswith("bn1") for name in norms)
        assert not any(parameter.requires_grad for parameter in fused.parameters())
