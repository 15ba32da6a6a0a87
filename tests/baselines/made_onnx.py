"""An ONNX file written by hand, so that neither weights nor the package ``onnx`` are needed.

The format is Protocol Buffers; the numbers below are the fields of onnx.proto.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, UINT8, INT64 = 1, 2, 7


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | str | int) -> bytes:
    """One field: a whole number, or a text or message with its length before it."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(field(1, n) for n in values.shape)
    return dims + field(2, FLOAT) + field(8, name) + field(9, values.astype("<f4").tobytes())


def value_info(name: str, kind: int, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(field(1, field(2, n) if isinstance(n, str) else field(1, n)) for n in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def node(op: str, inputs: list[str], output: str, **attributes: list[int] | int) -> bytes:
    said = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op)
    for name, value in attributes.items():
        if isinstance(value, int):
            said += field(5, field(1, name) + field(3, value) + field(20, 2))
        else:
            said += field(5, field(1, name) + b"".join(field(8, n) for n in value) + field(20, 7))
    return said


def convolution(
    file: Path,
    filters: NDArray[np.float32],
    head: NDArray[np.float32],
    *,
    shape: tuple[int | str, ...] = ("n", 3, "h", "w"),
    kind: int = FLOAT,
) -> Path:
    """A network of ``filters`` (C, 3, k, k) at stride k, means of the maps, and ``head`` (C, m) on them, as ``file``.

    Its values: "maps" (n, C, …), "pooled" (n, C, 1, 1), "features" (n, C), and "scores" (n, m), the one output.
    ``shape`` of the input "images", with the channels first or last; ``kind`` of its numbers.
    """
    stride = [filters.shape[-1]] * 2
    nodes = [
        *([node("Cast", ["images"], "floats", to=FLOAT)] if kind != FLOAT else []),
        *([node("Transpose", ["images"], "floats", perm=[0, 3, 1, 2])] if shape[1] != 3 else []),
        node("Conv", ["images" if kind == FLOAT and shape[1] == 3 else "floats", "filters"], "maps", strides=stride),
        node("GlobalAveragePool", ["maps"], "pooled"),
        node("Flatten", ["pooled"], "features", axis=1),
        node("MatMul", ["features", "head"], "scores"),
    ]
    graph = b"".join(field(1, one) for one in nodes) + field(2, "made")
    graph += field(5, tensor("filters", filters)) + field(5, tensor("head", head))
    graph += field(11, value_info("images", kind, shape))
    graph += field(12, value_info("scores", FLOAT, (shape[0], head.shape[1])))
    file.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    return file
