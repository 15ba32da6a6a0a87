"""GIST: the energy of Gabor filters over a coarse grid (Oliva and Torralba 2001).

32 filters (4 scales × 8 orientations) on 4 × 4 cells, as in the authors' code (LMgist), applied by FFT at the image's
own size. Deviations: the image is continued by reflection on half its side, where LMgist takes 5 pixels for its local
contrast normalisation and 32 for the filters. So that normalisation's cutoff of 4 cycles, counted over the continued
image of twice the side, is 2 cycles over the image itself.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch

ORIENTATIONS_PER_SCALE = (8, 8, 8, 8)
CELLS = 4


@lru_cache(maxsize=2)  # a bank for 100,000 px has 50 MB
def gabor_bank(height: int, width: int, device: torch.device) -> torch.Tensor:
    """(32, height, width) float32: transfer functions of the filters, zero frequency first, after LMgist's formula."""
    fy = torch.fft.fftfreq(height)[:, None] * height
    fx = torch.fft.fftfreq(width)[None] * width
    radius = torch.sqrt((fy / height) ** 2 + (fx / width) ** 2)
    angle = torch.atan2(fy / height, fx / width)
    bank = []
    for scale, n in enumerate(ORIENTATIONS_PER_SCALE):
        centre = 0.3 / 1.85**scale  # cycles per pixel
        for i in range(n):
            turned = angle + math.pi * i / n
            turned = turned + 2 * math.pi * ((turned < -math.pi).float() - (turned > math.pi).float())
            along = -10 * 0.35 * (radius / centre - 1) ** 2
            across = -2 * math.pi * (16 * n**2 / 32**2) * turned**2
            bank.append(torch.exp(along + across))
    return torch.stack(bank).to(device)


@lru_cache(maxsize=2)
def low_pass(height: int, width: int, cycles: float, device: torch.device) -> torch.Tensor:
    """(height, width // 2 + 1): a Gaussian transfer function that is 1/2 at so many cycles over the image."""
    fy, fx = torch.fft.fftfreq(height)[:, None] * height, torch.fft.rfftfreq(width)[None] * width
    return torch.exp(-(fy**2 + fx**2) / (cycles / math.sqrt(math.log(2))) ** 2).to(device)


def whiten(grey: torch.Tensor, cycles: float = 4.0) -> torch.Tensor:
    """Local contrast normalisation of (B, H, W): a high pass of log intensity, over its local deviation (LMgist)."""
    height, width = grey.shape[-2:]
    low = low_pass(height, width, cycles, grey.device)
    logs = torch.log1p(grey * 255)
    high = logs - torch.fft.irfft2(torch.fft.rfft2(logs) * low, s=(height, width))
    local = torch.fft.irfft2(torch.fft.rfft2(high.square()) * low, s=(height, width)).clamp_(min=0).sqrt_()
    return torch.as_tensor(high / (0.2 + local))


def gist(grey: torch.Tensor) -> torch.Tensor:
    """(B, H, W) float in [0, 1] -> (B, 512) float32: mean filter energy, 32 filters × 4 × 4 cells. Sides of at least
    4."""
    height, width = grey.shape[-2:]
    top, left = height // 2, width // 2
    padded = torch.nn.functional.pad(grey.unsqueeze(1), (left, left, top, top), mode="reflect")[:, 0]
    spectrum = torch.fft.fft2(whiten(padded))
    out = []
    for transfer in gabor_bank(*padded.shape[-2:], grey.device):
        energy = torch.fft.ifft2(spectrum * transfer).abs()[:, top : top + height, left : left + width]
        out.append(torch.nn.functional.adaptive_avg_pool2d(energy.unsqueeze(1), CELLS).flatten(1))
    return torch.cat(out, dim=1)
