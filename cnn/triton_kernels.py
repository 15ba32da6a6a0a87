"""Local response normalisation, overlapping max pooling and random crops as one pass over memory each, by Triton.

Imported by ``fused`` alone, where there is a GPU. Registers the operators ``topfive::normalise`` and
``topfive::max_pool``, of bfloat16 maps, with their gradients, and ``topfive::cropped``; torch.compile and CUDA graphs
take them as they are. Maps are (N, C, H, W) in channels-last order, which is that of (pixels, C) row by row; all
arithmetic is in float32.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

BAND = 128  # channels of a block that is multiplied by a band
HALO = 16  # of them that overlap the next block's, on either side, where one block does not hold all channels
PIXELS = 64  # rows of such a block: the least that Hopper's matrix units take
BLOCKS = 2  # that one program works on, one after the other, with the same band
WIDTH, ROWS = 32, 32  # channels and pixels of a block of pooling
VALUES = 1024  # of a block where every lane has one value


@triton.jit
def _band(before: tl.constexpr, after: tl.constexpr, width: tl.constexpr):
    """(width, width) ones where row j is summed into column i."""
    offset = tl.arange(0, width)[:, None] - tl.arange(0, width)[None, :]
    return tl.where((offset >= -before) & (offset <= after), 1.0, 0.0).to(tl.bfloat16)


@triton.jit
def _window_sum(t, band):
    """Float32 (rows, width) by the band: as two bfloat16 numbers each, which hold 16 of its 24 bits."""
    high = t.to(tl.bfloat16)
    low = (t - high.to(tl.float32)).to(tl.bfloat16)
    return tl.dot(low, band, tl.dot(high, band))


@triton.jit
def _normalise_kernel(
    x_at, out_at, values, alpha, k, beta,
    channels: tl.constexpr, before: tl.constexpr, after: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """One value a lane; its neighbours come from the cache, where their own lanes have just brought them."""
    at = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    channel = (at % channels).to(tl.int32)
    given = at < values
    x = tl.load(x_at + at, mask=given, other=0.0).to(tl.float32)
    total = x * x
    for away in tl.static_range(1, before + 1):
        other = tl.load(x_at + at - away, mask=given & (channel >= away), other=0.0).to(tl.float32)
        total += other * other
    for away in tl.static_range(1, after + 1):
        other = tl.load(x_at + at + away, mask=given & (channel + away < channels), other=0.0).to(tl.float32)
        total += other * other
    out = x * tl.exp2(-beta * tl.log2(k + alpha * total))
    tl.store(out_at + at, out.to(tl.bfloat16), mask=given)


@triton.jit
def _normalise_backward_kernel(
    x_at, g_at, out_at, pixels, alpha, k, beta,
    channels: tl.constexpr, before: tl.constexpr, after: tl.constexpr, halo: tl.constexpr,
    rows: tl.constexpr, width: tl.constexpr, blocks: tl.constexpr,
):  # fmt: skip
    """Windows of windows: the sums are products with a band of ones, on the matrix units."""
    lane = tl.arange(0, width)
    channel = tl.program_id(1) * (width - 2 * halo) - halo + lane
    inside = (channel >= 0) & (channel < channels)
    mine = inside & (lane >= halo) & (lane < width - halo)
    band = _band(before, after, width)
    transposed = _band(after, before, width)
    for i in range(blocks):
        row = (tl.program_id(0) * blocks + i) * rows + tl.arange(0, rows)
        at = row.to(tl.int64)[:, None] * channels + channel[None, :]
        given = (row < pixels)[:, None] & inside[None, :]
        x = tl.load(x_at + at, mask=given, other=0.0).to(tl.float32)
        g = tl.load(g_at + at, mask=given, other=0.0).to(tl.float32)
        logarithm = tl.log2(k + alpha * _window_sum(x * x, band))
        window = _window_sum(g * x * tl.exp2(-(beta + 1) * logarithm), transposed)
        out = g * tl.exp2(-beta * logarithm) - 2 * alpha * beta * x * window
        tl.store(out_at + at, out.to(tl.bfloat16), mask=(row < pixels)[:, None] & mine[None, :])


@triton.jit
def _pool_kernel(
    x_at, out_at, which_at, pixels, height, breadth, out_height, out_breadth,
    channels: tl.constexpr, rows: tl.constexpr, width: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    channel = (tl.program_id(1) * width + tl.arange(0, width))[None, :]
    given = (row < pixels)[:, None] & (channel < channels)
    picture, place = row // (out_height * out_breadth), row % (out_height * out_breadth)
    corner = (picture.to(tl.int64) * height + place // out_breadth * 2) * breadth + place % out_breadth * 2
    best = tl.full((rows, width), -float("inf"), tl.float32)
    which = tl.full((rows, width), 0, tl.int32)
    for i in tl.static_range(9):
        at = (corner + i // 3 * breadth + i % 3)[:, None] * channels + channel
        value = tl.load(x_at + at, mask=given, other=0.0).to(tl.float32)
        larger = (value > best) | (value != value)  # the first of equal ones, and not-a-number, as PyTorch does
        best = tl.where(larger, value, best)
        which = tl.where(larger, i, which)
    at = row.to(tl.int64)[:, None] * channels + channel
    tl.store(out_at + at, best.to(tl.bfloat16), mask=given)
    tl.store(which_at + at, which.to(tl.uint8), mask=given)


@triton.jit
def _pool_backward_kernel(
    g_at, which_at, out_at, pixels, height, breadth, out_height, out_breadth,
    channels: tl.constexpr, rows: tl.constexpr, width: tl.constexpr,
):  # fmt: skip
    """Each input pixel sums what comes back from the one, two or four windows that it is in and was the largest of."""
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    channel = (tl.program_id(1) * width + tl.arange(0, width))[None, :]
    given = (row < pixels)[:, None] & (channel < channels)
    picture, place = row // (height * breadth), row % (height * breadth)
    y, x = place // breadth, place % breadth
    total = tl.zeros((rows, width), tl.float32)
    for i in tl.static_range(4):
        out_y, out_x = y // 2 - i // 2, x // 2 - i % 2
        from_y, from_x = y - 2 * out_y, x - 2 * out_x  # of the window's corner: 0 to 3, inside it to 2
        there = (out_y >= 0) & (out_y < out_height) & (from_y < 3) & (out_x >= 0) & (out_x < out_breadth) & (from_x < 3)
        at = ((picture.to(tl.int64) * out_height + out_y) * out_breadth + out_x)[:, None] * channels + channel
        mask = given & there[:, None]
        which = tl.load(which_at + at, mask=mask, other=255).to(tl.int32)
        g = tl.load(g_at + at, mask=mask, other=0.0).to(tl.float32)
        total += tl.where(which == (from_y * 3 + from_x)[:, None], g, 0.0)
    tl.store(out_at + row.to(tl.int64)[:, None] * channels + channel, total.to(tl.bfloat16), mask=given)


@triton.jit
def _crop_kernel(
    pixels_at, top_at, left_at, flip_at, mean_at, noise_at, out_at, scale, stored, side,
    mean_image: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """One value a lane, of one image a program of the second axis."""
    picture = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0) * block + tl.arange(0, block)
    given = at < side * side * 3
    colour, x, y = at % 3, at // 3 % side, at // 3 // side
    column = tl.load(left_at + picture).to(tl.int32) + tl.where(tl.load(flip_at + picture) != 0, side - 1 - x, x)
    place = ((tl.load(top_at + picture).to(tl.int32) + y) * stored + column) * 3 + colour
    value = tl.load(pixels_at + picture * stored * stored * 3 + place, mask=given, other=0).to(tl.float32)
    mean = tl.load(mean_at + (place if mean_image else colour), mask=given, other=0.0)
    noise = tl.load(noise_at + picture * 3 + colour)
    tl.store(out_at + picture * side * side * 3 + at, (value - mean) / scale + noise, mask=given)


def _last(t: Tensor) -> Tensor:
    return t.contiguous(memory_format=torch.channels_last)


def _new(shape: tuple[int, ...], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Of maps in channels-last order."""
    return torch.empty(shape, dtype=dtype or like.dtype, device=like.device, memory_format=torch.channels_last)


# Local response normalisation.


def _normalise(x: Tensor, size: int, alpha: float, k: float, beta: float) -> Tensor:
    x = _last(x)
    out, channels, values = _new(tuple(x.shape), x), x.shape[1], x.numel()
    with torch.cuda.device(x.device):
        _normalise_kernel[(triton.cdiv(values, VALUES),)](
            x, out, values, alpha, k, beta, channels, size // 2, (size - 1) // 2, VALUES, num_warps=4
        )
    return out


def _normalise_backward(g: Tensor, x: Tensor, size: int, alpha: float, k: float, beta: float) -> Tensor:
    x, g = _last(x), _last(g)
    out, channels, pixels = _new(tuple(x.shape), x), x.shape[1], x.numel() // x.shape[1]
    halo = 0 if channels <= BAND else HALO
    if halo and 2 * (size // 2) > halo:
        raise ValueError(f"a window of {size} channels is larger than {HALO + 1}, the kernel's largest")
    grid = (triton.cdiv(pixels, PIXELS * BLOCKS), triton.cdiv(channels, BAND - 2 * halo))
    with torch.cuda.device(x.device):
        _normalise_backward_kernel[grid](
            x, g, out, pixels, alpha, k, beta, channels, size // 2, (size - 1) // 2, halo,
            PIXELS, BAND, BLOCKS, num_warps=4, num_stages=1,
        )  # fmt: skip
    return out


normalise = torch.library.custom_op(
    "topfive::normalise", _normalise, mutates_args=(),
    schema="(Tensor x, int size, float alpha, float k, float beta) -> Tensor",
)  # fmt: skip
normalise_backward = torch.library.custom_op(
    "topfive::normalise_backward", _normalise_backward, mutates_args=(),
    schema="(Tensor g, Tensor x, int size, float alpha, float k, float beta) -> Tensor",
)  # fmt: skip
normalise.register_fake(lambda x, *_: _new(x.shape, x))
normalise_backward.register_fake(lambda g, x, *_: _new(x.shape, x))


def _keep_input(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(inputs[0])
    ctx.constants = inputs[1:]


def _normalise_gradient(ctx: Any, g: Tensor) -> tuple[Any, ...]:
    return torch.ops.topfive.normalise_backward(g, *ctx.saved_tensors, *ctx.constants), None, None, None, None


normalise.register_autograd(_normalise_gradient, setup_context=_keep_input)


# Max pooling, windows of 3 by 3 at every second pixel.


def _pooled(x: Tensor) -> tuple[int, ...]:
    return (x.shape[0], x.shape[1], (x.shape[2] - 3) // 2 + 1, (x.shape[3] - 3) // 2 + 1)


def _pool_grid(pixels: int, channels: int) -> tuple[tuple[int, int], tuple[int, int, int]]:
    width = min(WIDTH, triton.next_power_of_2(channels))
    return (triton.cdiv(pixels, ROWS), triton.cdiv(channels, width)), (channels, ROWS, width)


def _max_pool(x: Tensor) -> tuple[Tensor, Tensor]:
    x = _last(x)
    out, which = _new(_pooled(x), x), _new(_pooled(x), x, torch.uint8)
    pixels = out.numel() // x.shape[1]
    grid, constants = _pool_grid(pixels, x.shape[1])
    with torch.cuda.device(x.device):
        _pool_kernel[grid](x, out, which, pixels, *x.shape[2:], *out.shape[2:], *constants)
    return out, which


def _max_pool_backward(g: Tensor, which: Tensor, height: int, breadth: int) -> Tensor:
    g, which = _last(g), _last(which)
    out = _new((*g.shape[:2], height, breadth), g)
    pixels = out.numel() // g.shape[1]
    grid, constants = _pool_grid(pixels, g.shape[1])
    with torch.cuda.device(g.device):
        _pool_backward_kernel[grid](g, which, out, pixels, height, breadth, *g.shape[2:], *constants)
    return out


max_pool = torch.library.custom_op(
    "topfive::max_pool", _max_pool, mutates_args=(), schema="(Tensor x) -> (Tensor, Tensor)"
)
max_pool_backward = torch.library.custom_op(
    "topfive::max_pool_backward", _max_pool_backward, mutates_args=(),
    schema="(Tensor g, Tensor which, SymInt height, SymInt breadth) -> Tensor",
)  # fmt: skip
max_pool.register_fake(lambda x: (_new(_pooled(x), x), _new(_pooled(x), x, torch.uint8)))
max_pool_backward.register_fake(lambda g, which, height, breadth: _new((*g.shape[:2], height, breadth), g))


def _keep_which(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(output[1])
    ctx.side = inputs[0].shape[2:]


def _max_pool_gradient(ctx: Any, g: Tensor, _: Any) -> Tensor:
    result: Tensor = torch.ops.topfive.max_pool_backward(g, *ctx.saved_tensors, *ctx.side)
    return result


max_pool.register_autograd(_max_pool_gradient, setup_context=_keep_which)


# Random crops.


def _cropped(
    pixels: Tensor, top: Tensor, left: Tensor, flip: Tensor, mean: Tensor, noise: Tensor, scale: float, side: int
) -> Tensor:
    out = torch.empty((len(pixels), side, side, 3), device=pixels.device)
    with torch.cuda.device(pixels.device):
        _crop_kernel[(triton.cdiv(out[0].numel(), VALUES), len(pixels))](
            pixels, top, left, flip.to(torch.uint8), mean, noise, out, scale, pixels.shape[1], side,
            mean.ndim == 3, VALUES,
        )  # fmt: skip
    return out.permute(0, 3, 1, 2)


cropped = torch.library.custom_op(
    "topfive::cropped", _cropped, mutates_args=(),
    schema="(Tensor pixels, Tensor top, Tensor left, Tensor flip, Tensor mean, Tensor noise, float scale, int side)"
    " -> Tensor",
)  # fmt: skip
