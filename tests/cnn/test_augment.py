"""Crops are exactly the pixels they should be; colour noise has the covariance it should have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from topfive.cnn.augment import Augment, Colour, crop_transforms, crops, resized, scaled_crops


def numbered(n: int, side: int) -> torch.Tensor:
    random = np.random.default_rng(0)
    return torch.from_numpy(random.integers(0, 256, (n, side, side, 3), dtype=np.uint8))


def plain(how: str, side: int) -> Augment:
    return Augment(how, side, Colour(torch.zeros(3), 1.0, torch.eye(3)), 1.0)


def test_crops_and_mirror_images_are_the_pixels_themselves() -> None:
    pixels = numbered(3, 10)
    top, left, flip = torch.tensor([0, 2, 4]), torch.tensor([4, 1, 0]), torch.tensor([False, True, False])
    cut = crops(pixels, top, left, 6, flip)
    assert torch.equal(cut[0], pixels[0, 0:6, 4:10])
    assert torch.equal(cut[1], pixels[1, 2:8, 1:7].flip(1))
    assert torch.equal(cut[2], pixels[2, 4:10, 0:6])


def test_ten_views_are_the_centre_the_corners_and_their_mirror_images() -> None:
    pixels = numbered(2, 10)
    views = plain("paper", 6).views(pixels, 10)
    image = pixels.permute(0, 3, 1, 2).float()
    places = [(2, 2), (0, 0), (0, 4), (4, 0), (4, 4)]
    assert len(views) == 10
    for i, (y, x) in enumerate(places):
        cut = image[:, :, y : y + 6, x : x + 6]
        assert torch.equal(views[2 * i], cut)
        assert torch.equal(views[2 * i + 1], cut.flip(-1))
    two = plain("none", 6).views(pixels)
    assert len(two) == 2
    assert torch.equal(two[1], two[0].flip(-1))
    (one,) = plain("none", 6).views(pixels, 1)
    assert torch.equal(one, two[0])


def test_every_place_and_both_orientations_come_up() -> None:
    pixels = numbered(1, 6).repeat(400, 1, 1, 1)
    batch = plain("crop+flip", 4).train(pixels, torch.Generator().manual_seed(0))
    seen = {tuple(image.flatten().tolist()) for image in batch}
    assert len(seen) == 3 * 3 * 2
    unmirrored = plain("crop", 4).train(pixels, torch.Generator().manual_seed(0))
    assert len({tuple(image.flatten().tolist()) for image in unmirrored}) == 9


def test_a_scaled_crop_of_everything_is_the_image() -> None:
    images = numbered(4, 8).permute(0, 3, 1, 2).float()
    chance = torch.tensor([[1.0, 0.5, 0.3, 0.9]]).repeat(4, 1)
    flip = torch.tensor([False, True, False, True])
    result = scaled_crops(images, 8, crop_transforms(flip, chance, least=0.35))
    expected = torch.where(flip[:, None, None, None], images.flip(-1), images)
    torch.testing.assert_close(result, expected, atol=0.01, rtol=0)


def test_colour_noise_has_a_hundredth_of_the_covariance_of_the_pixels() -> None:
    """The authors' code: α ~ N(0, 0.1) times the square roots of the eigenvalues."""
    random = np.random.default_rng(0)
    mixing = np.array([[40, 5, 0], [35, -10, 4], [30, 5, -9]])
    colours = (random.normal(size=(400, 8, 8, 3)) @ mixing.T + 128).clip(0, 255).astype(np.uint8)
    pixels = torch.from_numpy(colours)
    colour = Colour.of(pixels)
    augment = Augment("paper", 8, colour, 1.0)
    grey = torch.full((20_000, 8, 8, 3), 128, dtype=torch.uint8)
    shifted = augment.train(grey, torch.Generator().manual_seed(0))[:, :, 0, 0]
    torch.testing.assert_close(
        torch.cov(shifted.t()), torch.cov(pixels.reshape(-1, 3).float().t()) / 100, rtol=0.05, atol=0.1
    )


def test_colours_are_those_of_all_pixels_at_once() -> None:
    pixels = numbered(75, 6)  # more than are looked at together
    pixels[..., 1] = pixels[..., 0] // 2 + pixels[..., 1] // 4
    image, flat = pixels.double().mean(0), pixels.reshape(-1, 3).double()
    colour = Colour.of(pixels)
    torch.testing.assert_close(Colour.of(pixels, mean_image=True).mean, image.float())
    torch.testing.assert_close(colour.mean, flat.mean(0).float())
    torch.testing.assert_close(colour.principal @ colour.principal.t(), torch.cov(flat.t()).float())
    assert colour.std == pytest.approx(float((flat - flat.mean(0)).std()), rel=1e-3)


def test_processes_together_make_the_batch_of_one() -> None:
    pixels = numbered(8, 8)
    for how, mixing in (
        ("crop+flip", "cutmix"),
        ("scale+flip", "none"),
        ("scale+flip+colour", "mixup"),
        ("paper", "none"),
    ):
        augment = replace(plain(how, 8), mixing=mixing)
        whole = augment.train(pixels, torch.Generator().manual_seed(3))
        halves = [
            replace(augment, part=(rank, 2)).train(pixels[4 * rank : 4 * rank + 4], torch.Generator().manual_seed(3))
            for rank in range(2)
        ]
        torch.testing.assert_close(torch.cat(halves), whole)


def test_saturation_contrast_and_brightness_change_as_in_their_definitions() -> None:
    """On pixels of 0 to 255, by Howard 2013: towards each pixel's grey, the image's mean, and black."""
    pixels = numbered(3, 8)
    augment = Augment("scale+flip+colour", 8, Colour(torch.tensor([90.0, 100.0, 110.0]), 50.0, torch.eye(3)), 50.0)
    drawn = augment.draw(3, 8, torch.Generator().manual_seed(0))
    assert drawn["jitter"].shape == (3, 3)
    assert 0.6 <= float(drawn["jitter"].min()) < float(drawn["jitter"].max()) <= 1.4
    drawn["transforms"] = crop_transforms(
        torch.zeros(3, dtype=torch.bool), torch.tensor([[1.0, 0.5, 0.5, 0.5]] * 3), 1.0
    )
    drawn["jitter"] = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.5]])
    grey, flat, dark = augment.apply(pixels, drawn, 8)
    x = (pixels.float() - augment.colour.mean).permute(0, 3, 1, 2) / 50
    torch.testing.assert_close(grey, x[0].mean(0, keepdim=True).expand(3, 8, 8), atol=1e-4, rtol=0)
    torch.testing.assert_close(flat, x[1].mean().expand(3, 8, 8), atol=1e-4, rtol=0)
    grey_mean = 100.0  # of the mean colour: black is as far below 0 in each channel
    torch.testing.assert_close(dark, (x[2] * 50 + grey_mean) * 0.5 / 50 - grey_mean / 50, atol=1e-4, rtol=0)


def test_the_mean_image_is_subtracted_before_the_crop() -> None:
    pixels = numbered(5, 8)
    augment = Augment("none", 6, Colour.of(pixels, mean_image=True), 1.0)
    centre = augment.views(pixels)[0]
    torch.testing.assert_close(centre.mean(0), torch.zeros(3, 6, 6), atol=1e-4, rtol=0)


def ramps(n: int, side: int) -> torch.Tensor:
    """(n, 2, side, side): each pixel holds the x and the y of its centre, from -1 to 1 at the image's edges."""
    at = (2 * torch.arange(side) + 1) / side - 1
    return torch.stack([at.expand(side, side), at[:, None].expand(side, side)]).repeat(n, 1, 1, 1)


def test_scaled_crops_have_the_stated_area_aspect_and_place() -> None:
    """The crop's edges, extrapolated from the centres of its first and last pixels."""
    chance = torch.tensor([[0.5, a, x, y] for a in (0.0, 0.5, 1.0) for x in (0.0, 0.3, 1.0) for y in (0.0, 0.8)])
    cut = scaled_crops(ramps(18, 64), 64, crop_transforms(torch.zeros(18, dtype=torch.bool), chance, least=0.3))
    for axis, (low, high) in enumerate(
        [(cut[:, 0, 32, 16], cut[:, 0, 32, 47]), (cut[:, 1, 16, 32], cut[:, 1, 47, 32])]
    ):
        size = (high - low) * 64 / 31 / 2
        ratio = torch.tensor([3 / 4, 1, 4 / 3]).repeat_interleave(6)
        expected = (0.65 * (ratio if axis == 0 else 1 / ratio)).sqrt()
        torch.testing.assert_close(size, expected, atol=1e-3, rtol=0)
        middle = low + (high - low) * 15.5 / 31
        torch.testing.assert_close(middle, (2 * chance[:, 2 + axis] - 1) * (1 - expected), atol=1e-3, rtol=0)


def test_scaled_crops_are_mirrored_where_the_first_random_number_is_below_a_half() -> None:
    """The same numbers with and without mirroring: the images where it applies are reversed, the others equal."""
    n, seed = 64, 5
    pixels = numbered(n, 16)
    batch = plain("scale+flip", 16).train(pixels, torch.Generator().manual_seed(seed))
    chance = torch.rand(n, 7, generator=torch.Generator().manual_seed(seed))
    flip = chance[:, 0] < 0.5
    assert 20 < int(flip.sum()) < 44
    images = pixels.permute(0, 3, 1, 2).float()
    unmirrored = scaled_crops(images, 16, crop_transforms(torch.zeros_like(flip), chance[:, 3:], 0.35))
    expected = torch.where(flip[:, None, None, None], unmirrored.flip(-1), unmirrored)
    torch.testing.assert_close(batch, expected, atol=0.01, rtol=0)
    assert not torch.allclose(batch[flip], unmirrored[flip], atol=1.0)


@pytest.mark.parametrize("side", [40, 64, 80])
def test_scaled_crops_reach_over_the_edge_by_reflection(side: int) -> None:
    """An image of one grey stays so: nothing dark comes in from outside."""
    chance = torch.rand(8, 4, generator=torch.Generator().manual_seed(0))
    chance[:, 2:] = chance[:, 2:].round()  # into the corners
    cut = scaled_crops(torch.full((8, 3, 64, 64), 100.0), side, crop_transforms(chance[:, 0] < 0.5, chance, least=0.35))
    torch.testing.assert_close(cut, torch.full((8, 3, side, side), 100.0))


def chequered(n: int, side: int) -> torch.Tensor:
    """(n, 1, side, side) of -1 and 1 by turns: all of it is above the frequencies that a smaller image can hold."""
    at = torch.arange(side)
    return (((at[:, None] + at) % 2) * 2.0 - 1).repeat(n, 1, 1, 1)


def whole() -> torch.Tensor:
    """The transform to all of one image."""
    return crop_transforms(torch.tensor([False]), torch.tensor([[1.0, 0.5, 0.5, 0.5]]), least=0.35)


def test_making_images_smaller_is_antialiased() -> None:
    assert float(resized(chequered(1, 64), 40).std()) < 0.01  # 0.16 by bilinear interpolation alone
    assert float(scaled_crops(chequered(1, 64), 40, whole()).std()) < 0.01


def test_a_smaller_scaled_crop_keeps_what_it_can_hold() -> None:
    """A slow wave survives with its amplitude."""
    wave = torch.sin(2 * torch.pi * torch.arange(64) / 16).expand(1, 1, 64, 64)
    kept = scaled_crops(wave.contiguous(), 40, whole())
    assert float(kept.std()) == pytest.approx(float(wave.std()), rel=0.1)
