"""Where public data sets lie that ``topfive data get`` fetches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where a data set lies. checksum: "md5:…" as its publisher gives it; unpacked: at most so many bytes."""

    url: str
    checksum: str
    folder: str
    unpacked: int


SOURCES = {
    "tiny-imagenet": Source(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "md5:90528d7ca1a48142e341f4ef8d21d0de",
        "tiny-imagenet-200",
        600_000_000,
    ),
    "imagenette": Source(
        "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz",
        "md5:e793b78cc4c9e9a4ccc0c1155377a412",
        "imagenette2-160",
        300_000_000,
    ),
    "cifar-10": Source(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "md5:c58f30108f718f92721af3b95e74349a",
        "cifar-10-batches-py",
        250_000_000,
    ),
}
