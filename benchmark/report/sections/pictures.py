"""Pictures that a run's probes stored, on the page; only where the run has its images' pictures, too."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..analysis.contest import Contest
from ..page.html import snippet
from .parts import Html


@dataclass(frozen=True)
class Picture:
    """``file``: PNG or JPEG; ``title`` below it, and smaller what it is; ``tone``: of the family that it is about."""

    file: bytes
    title: str
    note: str = ""
    tone: str = ""

    @property
    def source(self) -> str:
        """For an img element."""
        return address(self.file)


def address(file: bytes) -> str:
    """A PNG or JPEG as an address that a page needs no network for."""
    kind = "jpeg" if file[:2] == b"\xff\xd8" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def gallery(heading: str, pictures: Sequence[Picture], across: int = 0) -> Html:
    """Pictures in rows with their titles; ``across`` of them in a row where that is given. Pixels stay squares."""
    return Html(snippet("pictures.html", heading=heading, pictures=pictures, across=across))


def decoded(file: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) BGR of a stored PNG or JPEG."""
    image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def png(bgr: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) BGR as a file."""
    return bytes(cv2.imencode(".png", bgr)[1])


def may_be_shown(contest: Contest) -> bool:
    """Whether the run kept pictures of its images: one of images that may not be shown keeps none."""
    return bool(contest.pictures())
