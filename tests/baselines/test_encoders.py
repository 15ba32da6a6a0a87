"""The encoders against finite differences, scikit-image, and small cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.feature
import topfive.baselines.fisher as fisher_module
import torch
from sklearn.mixture import GaussianMixture
from topfive.baselines.bovw import bags
from topfive.baselines.encoder import Encoder
from topfive.baselines.fisher import FisherSums, fisher_vectors, improve
from topfive.baselines.gmm import GMM, fit_gmm
from topfive.baselines.grid import Grid, positions
from topfive.baselines.kmeans import kmeans, nearest
from topfive.baselines.llc import codes, llc_vectors
from topfive.baselines.parts import Fisher
from topfive.baselines.pca import PCA
from topfive.baselines.pyramid import Areas, parse, regions
from topfive.baselines.supervector import super_vectors, vlad_vectors
from topfive.baselines.vocabulary import Channel
from topfive.benchmark.data.images import LazyImages
from topfive.common.machine import torch_threads


@pytest.fixture
def mixture() -> GMM:
    generator = torch.Generator().manual_seed(0)
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    means = torch.randn((3, 4), generator=generator, dtype=torch.float64)
    variances = torch.rand((3, 4), generator=generator, dtype=torch.float64) + 0.5
    return GMM(weights, means, variances)


@pytest.fixture
def patches() -> torch.Tensor:
    return torch.randn((2, 50, 4), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_fisher_vector_is_the_gradient_of_the_log_likelihood(mixture: GMM, patches: torch.Tensor) -> None:
    vector = fisher_vectors(patches, mixture, dtype=torch.float64)[0, 0]
    deviations = mixture.variances.sqrt()
    eps = 1e-5

    def likelihood(means: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
        return GMM(mixture.weights, means, sigmas.square()).log_likelihood(patches[0]).mean()

    for k in range(3):
        for d in range(4):
            move = torch.zeros_like(mixture.means)
            move[k, d] = eps
            by_mean = likelihood(mixture.means + move, deviations) - likelihood(mixture.means - move, deviations)
            by_sigma = likelihood(mixture.means, deviations + move) - likelihood(mixture.means, deviations - move)
            # Fisher information of a mean is w/σ², of a deviation 2w/σ².
            scale = deviations[k, d] / mixture.weights[k].sqrt() / (2 * eps)
            assert vector[0, k, d] == pytest.approx(float(by_mean * scale), rel=1e-4, abs=1e-7)
            assert vector[1, k, d] == pytest.approx(float(by_sigma * scale / 2**0.5), rel=1e-4, abs=1e-7)


def test_fisher_vector_agrees_with_scikit_image(mixture: GMM, patches: torch.Tensor) -> None:
    theirs_gmm = GaussianMixture(3, covariance_type="diag")
    theirs_gmm.weights_ = mixture.weights.numpy()
    theirs_gmm.means_ = mixture.means.numpy()
    theirs_gmm.covariances_ = mixture.variances.numpy()
    theirs_gmm.precisions_cholesky_ = 1 / np.sqrt(theirs_gmm.covariances_)
    theirs = skimage.feature.fisher_vector(patches[0].numpy(), theirs_gmm)
    ours = fisher_vectors(patches, mixture, dtype=torch.float64)[0, 0].numpy()
    mean_part, spread_part = theirs[3 : 3 + 12], theirs[3 + 12 :]
    np.testing.assert_allclose(_unit(ours[0]), _unit(mean_part), atol=1e-6)
    np.testing.assert_allclose(_unit(ours[1]), _unit(-spread_part), atol=1e-6)  # theirs has the opposite sign


def _unit(values: np.ndarray) -> np.ndarray:
    flat = values.ravel()
    return flat / np.linalg.norm(flat)


def test_regions_of_a_fisher_vector_average_to_the_whole(mixture: GMM, patches: torch.Tensor) -> None:
    halves = [torch.arange(50), torch.arange(25), torch.arange(25, 50)]
    whole, first, second = fisher_vectors(patches, mixture, halves, dtype=torch.float64).unbind(1)
    torch.testing.assert_close(whole, (first + second) / 2, atol=1e-6, rtol=1e-5)


def straightforward_fisher(x: torch.Tensor, gmm: GMM) -> torch.Tensor:
    """(2, K, D) of (T, D), written down as in the paper."""
    share = gmm.log_joint(x).softmax(1)
    away = (x.unsqueeze(1) - gmm.means) / gmm.variances.sqrt()  # (T, K, D)
    root = gmm.weights.sqrt().unsqueeze(1)
    first = (share.unsqueeze(2) * away).mean(0) / root
    second = (share.unsqueeze(2) * (away.square() - 1)).mean(0) / (root * 2**0.5)
    return torch.stack([first, second])


@pytest.mark.parametrize("pyramid", ["1x1", "1x1+3x1", "1x1+2x2+4x4", "3x1"])
@pytest.mark.parametrize("rows", [7, 1024])  # at a time: chunks of patches, or of whole images
def test_scales_regions_and_chunks_add_up(pyramid: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fisher_module, "ROWS_AT_A_TIME", rows)
    grid = Grid((2.0, 3.0, 30.0), 2.0)  # the last scale has no room
    where, scales = positions(24, 40, grid), grid.n_patches(24, 40)
    x = torch.randn((3, len(where), 5), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gmm = fit_gmm(x.flatten(0, 1), 4, seed=0)
    areas = regions(where, pyramid)
    sums = FisherSums(gmm, Areas(areas, scales, "cpu"), torch.float64)
    for part in torch.split(x, scales, dim=1):
        sums.add(part)
    wanted = [[straightforward_fisher(image[area], gmm) for area in areas] for image in x]
    torch.testing.assert_close(sums.vectors(), torch.stack([torch.stack(rows) for rows in wanted]))


def test_areas_cover_regions_that_overlap() -> None:
    """Two regions share a patch, as when one that is empty takes the nearest patch of another."""
    areas = Areas([torch.tensor([0, 1, 2]), torch.tensor([3]), torch.tensor([2])], [3, 1], "cpu")
    assert areas.n == 3
    assert areas.sizes.tolist() == [3, 1, 1]
    first, second = areas.tiles
    assert first.order is None
    of_patch = {patch: area for a, b, area in first.runs for patch in range(a, b)}
    held = [[patch for patch, area in of_patch.items() if area in members] for members in areas.members]
    assert held == [[0, 1, 2], [], [2]]
    assert [area in areas.members[1] for _, _, area in second.runs] == [True]


def test_posteriors_below_the_normal_floats_change_nothing() -> None:
    """Denormal numbers are taken as 0, and only inside: they are slow."""
    x = torch.tensor([[[0.0], [13.6]]])  # half the square of 13.6 is 92.5: e^-92.5 is denormal
    gmm = GMM(torch.tensor([0.5, 0.5]), torch.tensor([[0.0], [13.6]]), torch.ones((2, 1)))
    assert 0 < gmm.log_joint(x[0]).softmax(1)[0, 1] < torch.finfo(torch.float32).tiny
    sums = FisherSums(gmm, Areas([torch.arange(2)], [2], "cpu"), torch.float32)
    sums.add(x)
    assert sums.sums is not None
    assert sums.sums[0, 0, 2].tolist() == [1.0, 1.0]
    tiny = torch.full((), 1e-20)
    assert tiny * tiny > 0


def test_codebooks_do_not_depend_on_the_number_of_threads() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    channels = [Channel("sift", "fisher", 5), Channel("lcs", "bovw", 7)]
    learned = []
    for threads in (1, 2):
        with torch_threads(threads):
            learned.append(Encoder(channels, Grid((2.0,), 4.0)).fit(LazyImages.from_array(pixels)).learned_)
    for one, two in zip(*(codebooks.values() for codebooks in learned), strict=True):
        for name, array in one.arrays().items():
            np.testing.assert_array_equal(array, two.arrays()[name], err_msg=name)


def test_fisher_in_bfloat16_points_the_same_way() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((2, 500, 16), generator=generator)
    gmm = fit_gmm(x.flatten(0, 1), 8, seed=0)
    exact, quick = (improve(fisher_vectors(x, gmm, dtype=d).flatten(1)) for d in (torch.float32, torch.bfloat16))
    assert (exact * quick).sum(1).min() > 0.99


def test_fisher_without_pca_keeps_its_precision() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    encoder = Encoder([Channel("lcs", "fisher", 4, dims=0)], Grid((2.0,), 4.0)).fit(LazyImages.from_array(pixels))
    vectors = []
    for encoder.dtype in (torch.float32, torch.bfloat16):
        vectors.append(encoder.encode(list(pixels)))
    torch.testing.assert_close(*vectors)


def test_no_patches_are_an_error(mixture: GMM) -> None:
    with pytest.raises(ValueError, match="no patches"):
        fisher_vectors(torch.empty((2, 0, 4)), mixture)


def test_gpu_fisher_agrees(mixture: GMM, patches: torch.Tensor, gpu: str) -> None:
    here = fisher_vectors(patches, mixture, dtype=torch.float64)
    there = fisher_vectors(patches.to(gpu), mixture.to(gpu), dtype=torch.float64).cpu()
    torch.testing.assert_close(here, there)


def test_improve_roots_and_scales() -> None:
    torch.testing.assert_close(improve(torch.tensor([[9.0, -16.0, 0.0]])), torch.tensor([[0.6, -0.8, 0.0]]))
    assert improve(torch.zeros((1, 3))).abs().sum() == 0


def test_em_finds_a_mixture_and_never_gets_worse() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.cat([torch.randn((2000, 2), generator=generator) * 0.5 + m for m in (-3.0, 3.0)])
    gmm = fit_gmm(x, 2, seed=0)
    assert sorted(gmm.means[:, 0].tolist()) == pytest.approx([-3, 3], abs=0.1)
    assert gmm.weights.tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert gmm.variances.flatten().tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert fit_gmm(x, 2, seed=0, iterations=8).log_likelihood(x).mean() >= (
        fit_gmm(x, 2, seed=0, iterations=1).log_likelihood(x).mean() - 1e-5
    )


def test_pca_whitens() -> None:
    x = torch.randn((3000, 5), generator=torch.Generator().manual_seed(0)) @ torch.diag(
        torch.tensor([5.0, 3, 1, 1, 0.1])
    )
    z = PCA.fit(x, 3).transform(x)
    torch.testing.assert_close(torch.cov(z.T), torch.eye(3), atol=0.01, rtol=0)


def test_kmeans_on_two_clumps_and_on_too_few_samples() -> None:
    x = torch.tensor([[0.0], [0.2], [10.0], [10.2]])
    assert sorted(kmeans(x, 2, seed=1).flatten().tolist()) == pytest.approx([0.1, 10.1])
    assert kmeans(x, 9, seed=0).shape == (9, 1)
    assert nearest(x, torch.tensor([[0.0], [10.0]])).tolist() == [0, 0, 1, 1]


def test_bags_count() -> None:
    x = torch.tensor([[[0.1], [0.2], [0.9], [0.0]]])
    out = bags(x, torch.tensor([[0.0], [1.0]]), [torch.arange(4), torch.tensor([2])])
    torch.testing.assert_close(out[0], torch.tensor([[0.75**0.5, 0.25**0.5], [0.0, 1.0]]))


def test_residual_codes_by_hand() -> None:
    x, centres = torch.tensor([[[1.0], [2.0], [11.0]]]), torch.tensor([[0.0], [10.0]])
    everything = [torch.arange(3)]
    torch.testing.assert_close(vlad_vectors(x, centres, everything)[0, 0], torch.tensor([0.5**0.5, 0.5**0.5]))
    shares = torch.tensor([0.25, 1.0])
    raw = torch.tensor([2 * 0.2, 2 * 3.0, 0.1, 1.0])  # p^(-1/2) · [s · count, Σ (x − b)], then unit length
    torch.testing.assert_close(super_vectors(x, centres, shares, everything)[0, 0], raw / raw.norm())


def test_llc_rebuilds_its_descriptor() -> None:
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [9.0, 9.0], [8.0, 9.0], [9.0, 8.0]])
    near, weights = codes(torch.tensor([[0.3, 0.2]]), centres)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    rebuilt = (centres[near[0]] * weights[0].unsqueeze(1)).sum(0)
    torch.testing.assert_close(rebuilt, torch.tensor([0.3, 0.2]), atol=0.02, rtol=0)
    pooled = llc_vectors(torch.tensor([[[0.3, 0.2]]]), centres, [torch.tensor([0])])
    assert pooled.min() >= 0
    assert pooled.norm() == pytest.approx(1, abs=1e-5)


def test_pyramid_regions_partition_the_patches() -> None:
    where = np.array([[0.1, 0.1, 0], [0.9, 0.4, 0], [0.5, 0.9, 0]], dtype=np.float32)
    found = [r.tolist() for r in regions(where, "1x1+3x1")]
    assert found == [[0, 1, 2], [0], [1], [2]]
    assert [r.tolist() for r in regions(where[:1], "2x1")] == [[0], [0]]  # an empty region takes the nearest patch
    with pytest.raises(ValueError, match="rows x columns"):
        parse("3by1")


def test_fisher_vectors_without_roots_become_those_with_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    plain, rooted = (
        Encoder(Fisher(root=root, k=3).channels(Grid((2.0,), 4.0)), Grid((2.0,), 4.0))
        .fit(LazyImages.from_array(pixels))
        .encode(list(pixels))
        for root in (False, True)
    )
    assert (plain - rooted).abs().max() > 0.1
    torch.testing.assert_close(plain.norm(dim=1), torch.ones(8))
    torch.testing.assert_close(improve(plain), rooted)
    with pytest.raises(ValueError, match="root must be true or false"):
        Fisher(root=1).check()
