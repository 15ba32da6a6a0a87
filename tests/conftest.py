"""The device on which tests compare with the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(params=["pretended", "real"])
def gpu(request: pytest.FixtureRequest) -> Iterator[str]:
    """``"cuda"``: the GPU where there is one, and in any case one that only checks what is where."""
    import torch

    if request.param == "real":
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
        yield "cuda"
        return
    from .pretended_gpu import pretended_gpu

    with pretended_gpu():
        yield "cuda"
