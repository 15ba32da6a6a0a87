"""Each descriptor against an outside reference, and on images that hold nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
import skimage.feature
import torch
from topfive.baselines.color import color_histogram, grey, hsv
from topfive.baselines.descriptors import DESCRIPTORS, LEAST_SIDE, WHOLE, to_tensor
from topfive.baselines.gist import gabor_bank, gist
from topfive.baselines.grid import Grid, all_scales, axis, pool, positions
from topfive.baselines.hog import hog, hog31
from topfive.baselines.lbp import lbp_codes, uniform_bins
from topfive.baselines.lcs import dense_lcs
from topfive.baselines.sift import dense_sift, normalised, opponent_sift_scales, orientation_maps


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """(160, 200, 3) uint8."""
    return np.ascontiguousarray(skimage.data.astronaut()[20:180, 120:320])


def as_rgb(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0).float() / 255


@pytest.mark.parametrize("cell", [2.0, 3.0, 4.0, 4.5, 6.0])
def test_sift_agrees_with_opencv(photograph: np.ndarray, cell: float) -> None:
    step = 8.0
    image = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
    rows, columns = axis(image.shape[0], cell, step), axis(image.shape[1], cell, step)
    # A pixel's centre is at +0.5 here and at 0 in OpenCV; OpenCV's cell is 1.5 times the keypoint's size.
    points = [
        cv2.KeyPoint(float(x - 0.5), float(y - 0.5), float(cell / 1.5), 0.0)
        for y in rows.centres
        for x in columns.centres
    ]
    kept, theirs = cv2.SIFT_create().compute(image, points)
    assert len(kept) == len(points)
    # OpenCV smooths to 1.6 px first, taking 0.5 px as done by the camera.
    smooth = cv2.GaussianBlur(image.astype(np.float32) / 255, (0, 0), (1.6**2 - 0.5**2) ** 0.5)
    cells = pool(orientation_maps(torch.from_numpy(smooth)[None]), rows, columns)
    ours = normalised(cells, rows, columns, root=False, contrast=0.0)[:, 0].T.numpy()
    inside = np.array([[20 < p.pt[0] < image.shape[1] - 20 and 20 < p.pt[1] < image.shape[0] - 20] for p in points])[
        :, 0
    ]
    cosine = (ours * theirs).sum(1) / np.maximum(np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1), 1e-9)
    assert np.median(cosine[inside]) >= 0.97


@pytest.mark.parametrize("cell", [8.0, 12.0, 16.0])
@pytest.mark.parametrize("shape", [(256, 320), (251, 313)])  # odd sides do not halve evenly
def test_coarse_sift_agrees_with_opencv(cell: float, shape: tuple[int, int]) -> None:
    """Coarse cells are pooled from a halved image; OpenCV pools them from the full one, brought to the same scale."""
    step = 8.0
    image = np.ascontiguousarray(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[: shape[0], : shape[1]])
    centres = [axis(side, cell, step).centres for side in image.shape]
    points = [
        cv2.KeyPoint(float(x - 0.5), float(y - 0.5), float(cell / 1.5), 0.0) for y in centres[0] for x in centres[1]
    ]
    # Ours is smoothed by a sixth of a cell; OpenCV smooths whatever it is given to 1.6 px, so the rest is done for it.
    rest = max(0.0, (cell / 6) ** 2 - 1.6**2) ** 0.5
    _, theirs = cv2.SIFT_create().compute(cv2.GaussianBlur(image, (0, 0), rest) if rest else image, points)
    ours = dense_sift(torch.from_numpy(image)[None].float() / 255, Grid((cell,), step), root=False)[0].numpy()
    away = 2 * cell + 8
    inside = np.array(
        [min(p.pt[0], p.pt[1], image.shape[1] - p.pt[0], image.shape[0] - p.pt[1]) > away for p in points]
    )
    seen = inside & (np.linalg.norm(ours, axis=1) > 0)
    cosine = (ours * theirs).sum(1) / (np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1) + 1e-9)
    assert seen.sum() > 50
    assert np.median(cosine[seen]) >= 0.97


@pytest.mark.parametrize(
    ("length", "cell", "step"), [(64, 2.0, 3.0), (365, 6.0, 4.0), (150, 5.657, 4.0), (30, 8.0, 2.0)]
)
def test_cells_of_patches_lie_where_they_should(length: int, cell: float, step: float) -> None:
    along = axis(length, cell, step)
    pixels = np.arange(length) + 0.5
    for offset, first in zip((-1.5, -0.5, 0.5, 1.5), along.first, strict=True):
        rows = along.matrix[first : first + len(along.centres)]
        wanted = np.maximum(0, 1 - np.abs(pixels - (along.centres + offset * cell)[:, None]) / cell) / cell
        np.testing.assert_allclose(rows, wanted, atol=1e-6)


def test_pooling_by_blocks_is_the_whole_product() -> None:
    maps = torch.rand(2, 1, 150, 365)
    rows, columns = axis(150, 6.0, 4.0), axis(365, 6.0, 4.0)
    assert len(rows.blocks) > 1
    whole = torch.from_numpy(rows.matrix) @ maps @ torch.from_numpy(columns.matrix).T
    torch.testing.assert_close(pool(maps, rows, columns), whole)


def test_a_grid_without_room_has_no_patches() -> None:
    assert dense_sift(torch.rand(2, 40, 40), Grid((12.0,), 4.0)).shape == (2, 0, 128)
    assert dense_sift(torch.rand(2, 40, 40), Grid((4.0, 12.0), 4.0)).shape == (2, 49, 128)
    for shape in ((2, 40, 1), (2, 1, 40), (2, 1, 1)):
        assert dense_sift(torch.rand(shape), Grid((2.0,), 2.0)).shape == (2, 0, 128)


def test_a_horizontal_ramp_votes_for_one_direction() -> None:
    ramp = torch.arange(32.0).div(31).expand(1, 32, 32)
    patches = dense_sift(ramp, Grid((4.0,), 4.0), root=False).view(-1, 16, 8)
    inner = patches[len(patches) // 2]
    assert (inner[:, 0] > 0.1).all()
    assert inner[:, 1:].abs().max() < 1e-6
    torch.testing.assert_close(patches.flatten(1).norm(dim=1), torch.ones(len(patches)))


@pytest.mark.parametrize("cell", [4.0, 8.0])  # the coarser one is pooled from a halved image
def test_patches_of_little_contrast_are_flat(cell: float) -> None:
    for slope, shown in ((0.0045, False), (0.0055, True)):  # a pixel, intensities from 0 to 1
        ramp = (torch.arange(64.0) * slope).expand(1, 64, 64)
        patches = dense_sift(ramp, Grid((cell,), 8.0))
        side = round(patches.shape[1] ** 0.5)
        lengths = patches.view(side, side, 128)[1:-1, 1:-1].norm(dim=2)  # at an edge the gradient is half as large
        torch.testing.assert_close(lengths, torch.full_like(lengths, float(shown)))


def test_root_sift_is_the_square_root_of_l1_shares(photograph: np.ndarray) -> None:
    image = grey(as_rgb(photograph))[:, :48, :48]
    plain = dense_sift(image, Grid((3.0,), 3.0), root=False)
    rooted = dense_sift(image, Grid((3.0,), 3.0))
    torch.testing.assert_close(
        rooted, (plain / plain.sum(2, keepdim=True).clamp(min=1e-9)).sqrt(), atol=1e-5, rtol=1e-4
    )


def test_sift_in_bfloat16_is_close(photograph: np.ndarray) -> None:
    image, grid = grey(as_rgb(photograph)), Grid((2.0, 4.0), 4.0)
    exact, quick = dense_sift(image, grid), dense_sift(image, grid, dtype=torch.bfloat16).float()
    assert torch.nn.functional.cosine_similarity(exact, quick, dim=2).median() > 0.999


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
def test_gpu_agrees(photograph: np.ndarray, name: str, gpu: str) -> None:
    rgb, grid = as_rgb(photograph), Grid((2.0, 4.0, 8.0), 4.0)
    here = all_scales(DESCRIPTORS[name](rgb, grid, torch.float32))
    there = all_scales(DESCRIPTORS[name](rgb.to(gpu), grid, torch.float32))
    assert there.device.type == "cuda"
    there = there.cpu()
    torch.testing.assert_close(here, there, atol=1e-3, rtol=1e-3)


def test_positions_lie_where_the_patches_are() -> None:
    where = positions(20, 30, Grid((2.0,), 4.0))
    assert where[:, 0].min() == pytest.approx(5 / 30)  # (30 - 8) // 4 = 5 steps, 1 px left on either side
    assert where[:, 1].min() == pytest.approx(4 / 20)
    np.testing.assert_allclose(where[:, :2].mean(0), 0.5, atol=1e-6)
    assert len(where) == 6 * 4


def test_lcs_is_mean_and_deviation_of_each_cell() -> None:
    image = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    rgb = torch.from_numpy(image).permute(2, 0, 1)[None]
    patch = dense_lcs(rgb, Grid((2.0,), 4.0))[0, 0].view(4, 4, 6).numpy()
    cells = image.reshape(4, 2, 4, 2, 3)
    np.testing.assert_allclose(patch[..., :3], cells.mean((1, 3)), atol=1e-5)
    np.testing.assert_allclose(patch[..., 3:], cells.std((1, 3)), atol=1e-4)


def test_hog_agrees_with_scikit_image(photograph: np.ndarray) -> None:
    image = photograph[:64, :64].astype(np.float64) / 255
    theirs = skimage.feature.hog(
        image, 9, (8, 8), (2, 2), "L2-Hys", transform_sqrt=True, channel_axis=2, feature_vector=False
    )
    ours = hog(as_rgb(photograph[:64, :64]))[0].numpy()
    assert ours.shape == theirs.shape
    cosine = (ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert cosine > 0.999


def test_hog31_follows_its_definition() -> None:
    cell, rows, columns = 8, 4, 5
    image = np.random.default_rng(0).random((3, rows * cell, columns * cell)).astype(np.float32)
    down, across = np.zeros_like(image), np.zeros_like(image)
    down[:, 1:-1], across[:, :, 1:-1] = image[:, 2:] - image[:, :-2], image[:, :, 2:] - image[:, :, :-2]
    histogram = np.zeros((rows, columns, 18))
    for y in range(rows * cell):
        for x in range(columns * cell):
            gradients = zip(down[:, y, x], across[:, y, x], strict=True)
            dy, dx = max(gradients, key=lambda g: g[0] ** 2 + g[1] ** 2)
            direction = int(np.arctan2(dy, dx) / (2 * np.pi) * 18 // 1) % 18
            histogram[y // cell, x // cell, direction] += np.hypot(dx, dy) / cell**2
    unsigned = histogram[..., :9] + histogram[..., 9:]

    def energy(top: int, left: int) -> float:
        top, left = np.clip(top, 0, rows - 2), np.clip(left, 0, columns - 2)
        return float((unsigned[top : top + 2, left : left + 2] ** 2).sum())

    ours = hog31(torch.from_numpy(image)[None])[0].numpy()
    assert ours.shape == (rows, columns, 31)
    for i in range(rows):
        for j in range(columns):
            norms = [energy(top, left) ** 0.5 for top in (i - 1, i) for left in (j - 1, j)]
            clipped = [np.minimum(np.append(histogram[i, j], unsigned[i, j]) / norm, 0.2) for norm in norms]
            wanted = [*(sum(clipped) / 2), *(0.2357 * part[:18].sum() for part in clipped)]
            np.testing.assert_allclose(ours[i, j], wanted, atol=1e-5)


def test_lbp_agrees_with_scikit_image(photograph: np.ndarray) -> None:
    image = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
    codes = lbp_codes(torch.from_numpy(image.astype(np.float32))[None])[0].numpy()
    # scikit-image interpolates its neighbours on a circle: with radius 1 the straight ones are pixels, with √2 the
    # others. It turns anticlockwise from +x, ours clockwise.
    for radius, same_bits in ((1, {0: 0, 2: 6, 4: 4, 6: 2}), (2**0.5, {1: 7, 3: 5, 5: 3, 7: 1})):
        theirs = skimage.feature.local_binary_pattern(image, 8, radius).astype(int)
        for our_bit, their_bit in same_bits.items():
            same = ((codes >> our_bit) & 1) == ((theirs >> their_bit) & 1)
            assert same[1:-1, 1:-1].all(), our_bit


def test_lbp_has_58_uniform_codes() -> None:
    bins = uniform_bins()
    assert (torch.bincount(bins)[:58] == 1).all()
    assert int((bins == 58).sum()) == 256 - 58


def test_colour_histogram_counts() -> None:
    rgb = torch.zeros((1, 3, 4, 4))
    rgb[:, 0, :2] = 1.0  # upper half pure red, lower half black
    histogram = color_histogram(rgb)[0]
    assert sorted(histogram[histogram > 0].tolist()) == pytest.approx([0.5**0.5, 0.5**0.5])
    green = hsv(torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)).flatten().tolist()
    assert green == pytest.approx([1 / 3, 1, 1])


def test_opponent_colours_of_grey_are_only_intensity(photograph: np.ndarray) -> None:
    one = as_rgb(photograph)[:, :1, :40, :40].expand(-1, 3, -1, -1)
    parts = next(opponent_sift_scales(one, Grid((4.0,), 8.0))).reshape(-1, 3, 128)
    assert parts[:, :2].abs().max() == 0
    assert parts[:, 2].abs().max() > 0


def test_gist_sees_the_direction_of_stripes() -> None:
    x = torch.arange(64.0)
    stripes = (0.5 + 0.5 * torch.sin(x * 2 * torch.pi * 0.3)).expand(1, 64, 64)
    energy = gist(stripes).view(4, 8, 16).mean(2)  # scale, orientation
    assert energy.argmax() == 0  # finest scale, along x
    turned = gist(stripes.transpose(1, 2)).view(4, 8, 16).mean(2)
    assert turned.argmax() == 4


@pytest.mark.parametrize("scale", range(4))
def test_gabor_filters_are_lmgists(scale: int) -> None:
    """LMgist's parameters: [.35, .3/(1.85^(i-1)), 16*or(i)^2/32^2, pi/(or(i))*(j-1)], 8 orientations a scale."""
    frequencies = np.fft.fftfreq(400)  # cycles per pixel
    bank = gabor_bank(400, 400, torch.device("cpu")).view(4, 8, 400, 400).numpy()
    centre = [0.3, 0.1621622, 0.0876552, 0.0473812][scale]
    along_x = bank[scale, 0, 0]  # the first filter looks along +x
    np.testing.assert_allclose(along_x[:200], np.exp(-3.5 * (frequencies[:200] / centre - 1) ** 2), atol=1e-4)
    angle = np.arctan2(frequencies[:, None], frequencies[None])
    radius = np.hypot(frequencies[:, None], frequencies[None])
    across = np.log(bank[scale, 2] + 1e-30) + 3.5 * (radius / centre - 1) ** 2
    turned = (angle + np.pi / 4 + np.pi) % (2 * np.pi) - np.pi
    near = (np.abs(turned) < 1) & (np.abs(radius / centre - 1) < 1)
    np.testing.assert_allclose(across[near], -2 * np.pi * turned[near] ** 2, atol=1e-3)


def test_gist_of_many_shapes_keeps_few_filters() -> None:
    for side in (32, 36, 40, 44):
        gist(torch.rand(1, side, 32))
    assert gabor_bank.cache_info().currsize <= 2


@pytest.mark.parametrize("shape", [(8, 8), (1, 40), (40, 1), (64, 64)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_dull_images_give_finite_descriptors(shape: tuple[int, int], value: int) -> None:
    rgb = to_tensor([np.full((*shape, 3), value, dtype=np.uint8)], "cpu")
    assert min(rgb.shape[-2:]) >= LEAST_SIDE
    grid = Grid.for_size(*shape)
    for name, describe in DESCRIPTORS.items():
        patches = all_scales(describe(rgb, grid, torch.float32))
        assert torch.isfinite(patches).all(), name
        assert patches.shape[1] == len(positions(rgb.shape[-2], rgb.shape[-1], grid))
    for name, whole in WHOLE.items():
        assert torch.isfinite(whole(rgb)).all(), name
        assert whole(rgb).shape == whole(torch.rand(1, 3, 30, 50)).shape  # whatever the shape of the image
