"""Parameter counts, output shapes and multiply-adds, layer by layer, against the published ones."""

from __future__ import annotations

import pytest
import torch
from topfive.cnn.alexnet import OWT_CHANNELS, alexnet, last_map, smallest_side
from topfive.cnn.convolution import of_blocks
from topfive.cnn.dbn import BoltzmannMachine, DeepBeliefNetwork
from topfive.cnn.estimator import flops
from topfive.cnn.lenet import LeNet5
from topfive.cnn.mlp import mlp
from topfive.cnn.models import AlexNet2012, AlexNetOwt2014, ResNet2015
from topfive.cnn.resnet import resnet
from topfive.cnn.throughput import training_flops
from torch import nn


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def outputs(network: nn.Module, side: int) -> dict[str, tuple[int, ...]]:
    """The shape of each layer's output for one image, without the batch's dimension."""
    shapes: dict[str, tuple[int, ...]] = {}
    x = torch.zeros(1, 3, side, side)
    with torch.inference_mode():
        for name, layer in network.eval().named_children():
            x = layer(x)
            shapes[name] = tuple(x.shape[1:])
    return shapes


def test_alexnet_has_the_papers_shapes_and_parameters() -> None:
    network = alexnet(1000, 224)
    assert count(network) == 60_965_224
    per_layer = {n: count(m) for n, m in network.named_children() if count(m)}
    assert per_layer == {
        "conv1": 11 * 11 * 3 * 96 + 96, "conv2": 5 * 5 * 48 * 256 + 256, "conv3": 3 * 3 * 256 * 384 + 384,
        "conv4": 3 * 3 * 192 * 384 + 384, "conv5": 3 * 3 * 192 * 256 + 256,
        "fc6": 9216 * 4096 + 4096, "fc7": 4096 * 4096 + 4096, "fc8": 4096 * 1000 + 1000,
    }  # fmt: skip
    shapes = outputs(network, 224)
    assert shapes["conv1"] == (96, 55, 55)
    assert shapes["pool1"] == (96, 27, 27)
    assert shapes["conv2"] == (256, 27, 27)
    assert shapes["pool2"] == (256, 13, 13)
    assert shapes["conv3"] == shapes["conv4"] == (384, 13, 13)
    assert shapes["pool5"] == (256, 6, 6)
    assert shapes["fc6"] == shapes["fc7"] == (4096,)
    assert shapes["fc8"] == (1000,)
    order = [n for n in shapes if n[:-1] in ("conv", "act", "lrn", "pool", "fc", "drop")]
    # The paper's own arithmetic, (227 - 11) / 4 + 1 = 55, without padding.
    assert alexnet(1000, 227, width=0.125).conv1.padding == (0, 0)
    assert {side: outputs(alexnet(1000, side, width=0.125), side)["conv1"][1:] for side in (224, 226, 227)} == {
        224: (55, 55), 226: (55, 55), 227: (55, 55),
    }  # fmt: skip
    assert order == [
        "conv1", "act1", "lrn1", "pool1", "conv2", "act2", "lrn2", "pool2", "conv3", "act3", "conv4", "act4",
        "conv5", "act5", "pool5", "fc6", "act6", "drop6", "fc7", "act7", "drop7", "fc8",
    ]  # fmt: skip


def test_training_does_not_compute_the_gradient_of_the_images() -> None:
    """Thrice a pass, less conv1's part: 55 × 55 positions of 96 filters with 11 × 11 × 3 weights, twice."""
    conv1 = 2 * 55 * 55 * 96 * 11 * 11 * 3
    forward = flops(alexnet(1000, 224, lrn=False), 224)
    assert training_flops(224) == 3 * forward - conv1
    assert training_flops(224) / forward == pytest.approx(2.85, abs=0.01)


def test_alexnet_does_724_million_multiply_adds() -> None:
    assert flops(alexnet(1000, 224, lrn=False), 224) / 2 == pytest.approx(724e6, rel=1e-3)


def test_the_one_tower_variant_has_torchvisions_parameters() -> None:
    network = alexnet(1000, 224, groups=1, lrn=False, channels=OWT_CHANNELS, dropout_first=True)
    assert count(network) == 61_100_840


@pytest.mark.parametrize("side", [16, 28, 32, 48, 64, 80, 81, 96, 111, 112, 128, 224, 227])
def test_the_stem_suits_the_side(side: int) -> None:
    network = alexnet(7, side, width=0.125).eval()
    with torch.inference_mode():
        maps = network[: list(dict(network.named_children())).index("fit")](torch.zeros(1, 3, side, side))
        assert maps.shape[-1] == last_map(side)
        assert network(torch.zeros(2, 3, side, side)).shape == (2, 7)
        assert network(torch.zeros(2, 3, smallest_side(side), smallest_side(side))).shape == (2, 7)


def test_published_initialisation() -> None:
    torch.manual_seed(0)
    layers = dict(alexnet(10, 64, init="paper").named_children())
    for name in ("conv1", "conv3", "fc8"):
        assert torch.all(layers[name].bias == 0)
    for name in ("conv2", "conv4", "conv5", "fc6", "fc7"):
        assert torch.all(layers[name].bias == 1)
    assert float(layers["fc7"].weight.detach().std()) == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activation": "swish"}, "activation"),
        ({"init": "zero"}, "init"),
        ({"groups": 3}, "groups"),
        ({"side": 8}, "16"),
    ],
)
def test_a_wrong_ingredient_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        alexnet(**{"n_classes": 10, "side": 64, **wrong})  # type: ignore[arg-type]


def test_resnets_have_the_papers_parameters() -> None:
    assert count(resnet(1000, 224, depth=18)) == 11_689_512
    assert count(resnet(1000, 224, depth=34)) == 21_797_672
    assert flops(resnet(1000, 224, depth=18), 224) / 2 == pytest.approx(1.81e9, rel=0.01)  # "1.8 × 10⁹"


def test_the_contender_on_a_gpu_is_the_papers_resnet_and_keeps_small_images_whole() -> None:
    on_gpu = ResNet2015()._network(1000, 224, True)
    assert count(on_gpu) == 11_689_512
    assert flops(on_gpu, 224) / 2 == pytest.approx(1.81e9, rel=0.01)
    assert outputs(ResNet2015()._network(200, 64, True), 64)["0"] == (64, 64, 64)


def test_no_resnet_is_so_narrow_that_onednn_corrupts_the_heap() -> None:
    narrow = resnet(10, 32, width=0.01)
    assert min(m.out_channels for m in narrow.modules() if isinstance(m, nn.Conv2d)) == 16


def test_alexnet_2012_is_the_papers() -> None:
    model = AlexNet2012()
    model.stored_, model.side_ = model._sides(500, False)
    assert (model.stored_, model.side_) == (256, 224)
    assert count(model._network(1000, model.side_, False)) == 60_965_224
    assert model.views == 10
    hyper = model._hyperparameters(90, 100_000, True)
    said = (hyper.batch, hyper.optimizer, hyper.top_rate, hyper.momentum, hyper.decay, hyper.schedule)
    assert said == (128, "momentum", 0.01, 0.9, 5e-4, "plateau")


@pytest.mark.parametrize(
    ("network", "side", "expected"),
    [
        (
            LeNet5(10, 32), 32,
            "c1 6 28 28, s2 6 14 14, c3 16 10 10, s4 16 5 5, c5 120 1 1, f6 84, out 10",
        ),
        (
            AlexNetOwt2014()._network(1000, 224, True), 224,
            "conv1 64 55 55, pool1 64 27 27, conv2 192 27 27, pool2 192 13 13, conv3 384 13 13, conv4 256 13 13, "
            "conv5 256 13 13, pool5 256 6 6, flat 9216, fc6 4096, fc7 4096, fc8 1000",
        ),
        (
            resnet(1000, 224, depth=18), 224,
            "0 64 112 112, 3 64 56 56, 4 64 56 56, 5 64 56 56, 6 128 28 28, 7 128 28 28, 8 256 14 14, 9 256 14 14, "
            "10 512 7 7, 11 512 7 7, 12 512 1 1, 13 512, 14 1000",
        ),
    ],
    ids=["lenet-1998", "alexnet-owt-2014", "resnet-2015"],
)  # fmt: skip
def test_shapes_layer_by_layer(network: nn.Sequential, side: int, expected: str) -> None:
    shapes = outputs(network, side)
    for layer in expected.split(", "):
        name, *shape = layer.split()
        assert shapes[name] == tuple(int(n) for n in shape), name


def test_lenet_5_has_the_papers_layers() -> None:
    network = LeNet5(10, 32)
    sizes = {name: count(m) for name, m in network.named_children() if count(m)}
    # The paper: C1 156 (one colour), S2 12, C3 1,516 (by table), S4 32, C5 48,120, F6 10,164.
    assert sizes == {"c1": 456, "s2": 12, "c3": 2416, "s4": 32, "c5": 48_120, "f6": 10_164, "out": 850}
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_perceptron() -> None:
    network = mlp(10, 32, hidden=50)
    assert count(network) == 3072 * 50 + 50 + 50 * 10 + 10
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_contrastive_divergence_by_hand() -> None:
    """One Gaussian visible and one hidden unit: every term of CD-1 written out."""
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, 0.5)
    nn.init.constant_(layer.bias, 0.1)
    machine = BoltzmannMachine(layer, gaussian=True)
    weight, hidden, visible, error = machine.gradient(torch.tensor([[2.0]]), torch.tensor([[0.2]]))
    h = torch.sigmoid(torch.tensor(0.5 * 2 + 0.1))  # 0.75 > 0.2: the unit is on, so that v' = 0.5
    h2 = torch.sigmoid(torch.tensor(0.5 * 0.5 + 0.1))
    torch.testing.assert_close(weight.squeeze(), h * 2 - h2 * 0.5)
    torch.testing.assert_close(hidden.squeeze(), h - h2)
    torch.testing.assert_close(visible.squeeze(), torch.tensor(2 - 0.5))
    torch.testing.assert_close(error, torch.tensor(1.5**2))


def test_contrastive_divergence_learns_to_reconstruct() -> None:
    torch.manual_seed(0)
    network = DeepBeliefNetwork(2, 20, [8])
    layer = network.layers[0]
    assert isinstance(layer, nn.Linear)
    machine = BoltzmannMachine(layer, gaussian=False)
    random = torch.Generator().manual_seed(0)
    side = torch.rand(200, 1, generator=random) < 0.5
    v = torch.where(side, torch.cat([torch.ones(10), torch.zeros(10)]), torch.cat([torch.zeros(10), torch.ones(10)]))
    errors = [float(machine.update(v, torch.rand(200, 8, generator=random), 0.5)) for _ in range(500)]
    assert errors[0] > 0.2
    assert errors[-1] < 0.02


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(11, 4, 2), (11, 4, 0), (5, 2, 2), (7, 3, 3), (3, 1, 1), (2, 2, 0)]
)
@pytest.mark.parametrize(("height", "width"), [(28, 31), (19, 16)])
def test_a_convolution_of_blocks_is_the_same_convolution(
    kernel: int, stride: int, padding: int, height: int, width: int
) -> None:
    """Values and gradients."""
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 6, kernel, stride, padding).double()
    x = torch.randn(2, 3, height, width, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    y = of_blocks(x, plain.weight, plain.bias, stride, padding)
    torch.testing.assert_close(y, plain(x))
    upstream = torch.randn_like(y)
    ours, exact = (torch.autograd.grad(made, plain.parameters(), upstream) for made in (y, plain(x)))
    torch.testing.assert_close(ours, exact)
