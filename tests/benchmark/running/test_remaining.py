"""How long the rest of a run takes: by the same work before, else by the mean of what has ended, else by own words."""

from __future__ import annotations

import pytest
from topfive.benchmark.running.remaining import Ahead, Remaining, roughly


def test_the_same_work_on_more_images_fits_longer_in_proportion() -> None:
    sizes = (10, 20, 40)
    ahead = [Ahead(f"{work} {n}", work, n) for n in sizes for work in ("quick", "slow")]
    rest = Remaining(ahead)
    assert rest.seconds(0.0) is None
    rest.started("quick 10", 0.0)
    assert rest.seconds(0.5) is None  # nothing is known yet
    rest.ended("quick 10", 1.0, fit=1.0)
    # slow 10 as the mean, which is quick's; quick 20 and 40 in proportion; slow 20 and 40 as the mean
    assert rest.seconds(1.0) == 1 + (2 + 4) + (1 + 1)
    rest.started("slow 10", 1.0)
    rest.ended("slow 10", 11.0, fit=8.0)
    assert rest.seconds(11.0) == (2 + 4) + (2 + 16) + (2 + 32)  # two seconds are the same whatever the images
    rest.started("quick 20", 11.0)
    assert rest.seconds(12.5) == pytest.approx(0.5 + 4 + 18 + 34)


def test_its_own_words_go_before_what_others_took() -> None:
    rest = Remaining([Ahead("net", "net", 100), Ahead("hog", "hog", 100)])
    rest.started("hog", 0.0)
    rest.ended("hog", 4.0)
    rest.started("net", 4.0)
    assert rest.seconds(5.0) == 3.0  # as long as hog
    assert rest.seconds(14.0) == 10.0  # it has outlived that: half way, for all that is known
    rest.said("net", "epoch 1/20: loss 2.1, 1.5 min left", 14.0)
    rest.said("net", "epoch 2: 300 of 500 images", 20.0)  # says nothing of the end
    assert rest.seconds(24.0) == 80.0
    rest.said("net", "features: 3 of 9 images, 7 s left", 24.0)
    assert rest.seconds(26.0) == 5.0


def test_cells_side_by_side_share_what_is_left() -> None:
    rest = Remaining([Ahead(f"{i}", "same", 1) for i in range(6)], at_once=2)
    for name in "01":
        rest.started(name, 0.0)
    rest.ended("0", 10.0)
    rest.ended("1", 10.0)
    assert rest.seconds(10.0) == 20.0
    rest.started("2", 10.0)
    rest.said("2", "90 s left", 10.0)
    assert rest.seconds(10.0) == 90.0  # nothing ends before the longest of them


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "a few seconds"), (42, "about 40 s"), (100, "about 2 min"), (3000, "about 50 min"), (9000, "about 2.5 h")],
)
def test_times_are_rounded_for_people(seconds: float, said: str) -> None:
    assert roughly(seconds) == said
