"""The historical record of the ImageNet challenge, 2010–2015: quoted, never measured here.

Top-5 and top-1 classification error, per cent, on ILSVRC with 1,000 classes. ``source`` and ``url`` say where a number
can be looked up. The essay this project grew from says "around 26 % and 25 %" for 2010 and 2011; these are the official
figures.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..families import DEEP, HAND


@dataclass(frozen=True)
class Quoted:
    """One published result. ``year``: in which it was made, whatever test set it is on; ``rule``: which data it used.

    url: without its scheme, as the page makes no link.
    """

    year: int
    entry: str
    family: str
    top5: float
    top1: float | None
    data: str
    rule: str
    note: str
    source: str
    url: str


SUPPLIED, OUTSIDE = "supplied data only", "outside data too"
ALEXNET = (
    "A. Krizhevsky, I. Sutskever, G. E. Hinton: ImageNet classification with deep convolutional neural networks, "
    "NIPS 2012"
)
ALEXNET_URL = "proceedings.neurips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html"
RESULTS = "Official results of ILSVRC"
URL = "image-net.org/challenges/LSVRC/{}/results"


def _official(year: int, more: str = "") -> tuple[str, str]:
    return f"{RESULTS} {year}{more}", URL.format(year)


RECORD: tuple[Quoted, ...] = (
    Quoted(2010, "NEC-UIUC (winner)", HAND, 28.19, 47.1, "test 2010", SUPPLIED,
           "HOG + LBP, local coordinate and super-vector coding, averaged SGD SVM, mean of six models",
           *_official(2010, f"; the top-1 error, which is no official figure, from table 1 of {ALEXNET}")),
    Quoted(2010, "XRCE", HAND, 33.65, None, "test 2010", SUPPLIED, "Fisher kernel", *_official(2010)),
    Quoted(2011, "Sánchez & Perronnin", HAND, 25.7, 45.7, "test 2010", SUPPLIED,
           "SIFT + colour Fisher vectors; after the contest",
           "J. Sánchez, F. Perronnin: High-dimensional signature compression for large-scale image classification, "
           f"CVPR 2011; as quoted in table 1 of {ALEXNET}", ALEXNET_URL),
    Quoted(2011, "XRCE (winner)", HAND, 25.77, None, "test 2011", SUPPLIED, "Fisher vectors", *_official(2011)),
    Quoted(2011, "UvA / Trento", HAND, 31.01, None, "test 2011", SUPPLIED, "", *_official(2011)),
    Quoted(2012, "AlexNet, one net", DEEP, 17.0, 37.5, "test 2010", SUPPLIED,
           "run in 2012 on the test set of 2010; 18.3 without the ten-crop test", f"{ALEXNET}, table 1", ALEXNET_URL),
    Quoted(2012, "ISI (runner-up)", HAND, 26.17, None, "test 2012", SUPPLIED,
           "SIFT, CSIFT, LBP, GIST Fisher vectors, passive-aggressive; a fusion", *_official(2012)),
    Quoted(2012, "OXFORD_VGG", HAND, 26.98, None, "test 2012", SUPPLIED,
           "fused; 27.30 with the plain Fisher vector", *_official(2012)),
    Quoted(2012, "XRCE / INRIA", HAND, 27.06, None, "test 2012", SUPPLIED,
           "Fisher vectors with 1 million dimensions; 33.42 with 64 thousand", *_official(2012)),
    Quoted(2012, "SuperVision, 1 net", DEEP, 18.2, 40.7, "validation 2012", SUPPLIED, "AlexNet alone",
           f"{ALEXNET}, table 2", ALEXNET_URL),
    Quoted(2012, "SuperVision, like for like (5 nets)", DEEP, 16.42, 38.1, "test 2012 (top-1: validation)", SUPPLIED,
           "what compares with the runner-up", *_official(2012, f"; the top-1 error from table 2 of {ALEXNET}")),
    Quoted(2012, "SuperVision, outside data (7 nets; winner)", DEEP, 15.32, None, "test 2012", OUTSIDE,
           "two of the nets pre-trained on ImageNet’s release of fall 2011", *_official(2012)),
    Quoted(2013, "Clarifai (winner)", DEEP, 11.74, None, "test 2013", SUPPLIED, "an ensemble", *_official(2013)),
    Quoted(2013, "Clarifai, outside data", DEEP, 11.20, None, "test 2013", OUTSIDE,
           "the ensemble and a model of 5,000 classes; outside the contest, which from 2013 was for supplied data",
           *_official(2013)),
    Quoted(2014, "GoogLeNet (winner)", DEEP, 6.66, None, "test 2014", SUPPLIED, "an ensemble", *_official(2014)),
    Quoted(2015, "ResNet (winner)", DEEP, 3.57, None, "test 2015", SUPPLIED, "an ensemble; team MSRA",
           *_official(2015, "; K. He, X. Zhang, S. Ren, J. Sun: Deep residual learning for image recognition, CVPR "
                            "2016, table 5, arxiv.org/abs/1512.03385")),
)  # fmt: skip

RERUN = {"nec-uiuc-2010": 2010, "xrce-2011": 2011, "oxford-vgg-2012": 2012, "alexnet": 2012}  # entries to run again
HUMAN = 5.1
SURVEY = (
    "O. Russakovsky et al.: ImageNet large scale visual recognition challenge, IJCV 115 (2015), section 6.4, "
    "arxiv.org/abs/1409.0575"
)
HUMAN_NOTE = (
    f"{HUMAN} % is one practised annotator’s on 1,500 test images; a second one, on 258 images, made 12.0 % ({SURVEY})."
)
CAVEATS = (
    "Quoted results are full ImageNet: 1,000 classes, 1.2 million large photographs, mostly fusions or ensembles. A "
    "mark stands in the year in which it was made; its source says on which year’s images.",
    "“26.2 → 15.3 %”, the famous pair, compares a fusion with an ensemble that used outside data. Like for like: 26.2 "
    "against 16.4 (supplied data only) or 18.2 (one network). Up to 2012 outside data was allowed in the contest; the "
    "winners of 2013 to 2015 used the supplied data only, and Clarifai’s 11.2 with outside data is marked as such.",
    "Retellings speak of “26 % and 25 %” for 2010 and 2011; the official figures are 28.2 and 25.8.",
)
HERE = (
    "Another problem: other classes, other images, single methods. Its numbers are to be read against its own chance "
    "level, not against the record above."
)
