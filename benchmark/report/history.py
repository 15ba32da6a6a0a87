"""The historical record of the ImageNet challenge, 2010–2015: quoted, never measured here.

Top-5 and top-1 classification error, per cent, on ILSVRC with 1,000 classes. ``source`` says where the number was
read. The essay this project grew from says "around 26 % and 25 %" for 2010 and 2011; these are the official figures.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..families import DEEP, HAND


@dataclass(frozen=True)
class Quoted:
    """One published result."""

    year: int
    entry: str
    family: str
    top5: float
    top1: float | None
    data: str
    note: str
    source: str


ALEXNET = "Krizhevsky, Sutskever & Hinton 2012"
OFFICIAL = "official results of ILSVRC"
SECOND_HAND = "official results of ILSVRC, read second-hand"
SURVEY = "Russakovsky et al. 2015, read second-hand"

RECORD: tuple[Quoted, ...] = (
    Quoted(2010, "NEC-UIUC (winner)", HAND, 28.19, 47.1, "test 2010",
           "HOG + LBP, local coordinate and super-vector coding, averaged SGD SVM, mean of six models", OFFICIAL),
    Quoted(2010, "XRCE", HAND, 33.65, None, "test 2010", "Fisher kernel", SECOND_HAND),
    Quoted(2010, "Sánchez & Perronnin", HAND, 25.7, 45.7, "test 2010",
           "SIFT + colour Fisher vectors; after the contest, published 2011", f"quoted in {ALEXNET}"),
    Quoted(2010, "AlexNet, one net", DEEP, 17.0, 37.5, "test 2010",
           "run in 2012 on the 2010 test set; 18.3 without the ten-crop test", ALEXNET),
    Quoted(2011, "XRCE (winner)", HAND, 25.77, None, "test 2011", "Fisher vectors", SECOND_HAND),
    Quoted(2011, "UvA / Trento", HAND, 31.01, None, "test 2011", "", SECOND_HAND),
    Quoted(2012, "ISI (runner-up)", HAND, 26.17, None, "test 2012",
           "SIFT, CSIFT, LBP, GIST Fisher vectors, passive-aggressive; a fusion", OFFICIAL),
    Quoted(2012, "OXFORD_VGG", HAND, 26.98, None, "test 2012",
           "fused; 27.30 with the plain Fisher vector", OFFICIAL),
    Quoted(2012, "XRCE / INRIA", HAND, 27.06, None, "test 2012",
           "Fisher vectors with 1 million dimensions; 33.42 with 64 thousand", OFFICIAL),
    Quoted(2012, "SuperVision, 1 net", DEEP, 18.2, 40.7, "validation 2012", "AlexNet alone", ALEXNET),
    Quoted(2012, "SuperVision, 5 nets", DEEP, 16.42, 38.1, "test 2012 (top-1: validation)",
           "supplied data only", ALEXNET),
    Quoted(2012, "SuperVision, 7 nets (winner)", DEEP, 15.32, None, "test 2012",
           "two of the nets pre-trained on extra data", ALEXNET),
    Quoted(2013, "Clarifai (winner)", DEEP, 11.74, None, "test 2013", "ensemble", SURVEY),
    Quoted(2014, "GoogLeNet (winner)", DEEP, 6.66, None, "test 2014", "ensemble", SURVEY),
    Quoted(2015, "ResNet (winner)", DEEP, 3.57, None, "test 2015", "ensemble", "He et al. 2016, read second-hand"),
)  # fmt: skip

HUMAN = 5.1
HUMAN_NOTE = (
    f"{HUMAN} % is one practised annotator’s on 1,500 test images; a second one, on 258 images, made 12.0 % "
    "(Russakovsky et al. 2015)."
)
CAVEATS = (
    "Quoted results are full ImageNet: 1,000 classes, 1.2 million large photographs, mostly fusions or ensembles. "
    "Results measured here are single methods on the data set of this report. The two stand side by side to show the "
    "shape of the gap, not to be subtracted.",
    "“26.2 → 15.3 %”, the famous pair, compares a fusion with an ensemble that used extra data. Like for like: 26.2 "
    "against 16.4 (supplied data only) or 18.2 (one network).",
)
