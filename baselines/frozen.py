"""Networks that are only applied: pixels in, features out. Their libraries are imported when one is opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

# (mean, deviation) of red, green and blue, on the scale of 0 to 1, that networks were trained with.
SCALES: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "bytes": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
}
USUAL_SIDE = 224  # px, where a file leaves it open


class Frozen(ABC):
    """Called with (n, side, side, 3) uint8 it answers (n, dim) float32. ``side``: px that it wants; ``dim``."""

    side: int
    dim: int

    @abstractmethod
    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]: ...

    def encode(self, batch: Any) -> torch.Tensor:
        """(n, side, side, 3) uint8 → (n, dim) float32 of unit length."""
        return torch.nn.functional.normalize(torch.from_numpy(self(np.asarray(batch))), dim=1)

    def measure(self) -> None:
        """Set ``dim``, by trying it on a black image."""
        self.dim = self(np.zeros((1, self.side, self.side, 3), dtype=np.uint8)).shape[1]


class TimmNetwork(Frozen):
    """A network of timm with the weights of ``file``, which says itself what pixels it takes."""

    def __init__(self, model: str, file: str, device: str) -> None:
        import timm

        overlay = {"file": file}
        network = timm.create_model(model, pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay)
        self.network = network.to(device).eval()
        self.device = device
        expects = network.pretrained_cfg
        self.side = int(expects["input_size"][-1])
        self.mean, self.std = (
            torch.tensor(expects[name], dtype=torch.float32).view(3, 1, 1) for name in ("mean", "std")
        )
        self.measure()

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = torch.from_numpy(batch).permute(0, 3, 1, 2) / 255
        with torch.inference_mode():
            values = self.network(((pixels - self.mean) / self.std).to(self.device))
        return np.asarray(values.float().cpu().numpy())


class OnnxNetwork(Frozen):
    """An ONNX file with one image input, (n, 3, H, W) or (n, H, W, 3), of floats or bytes.

    ``output``: the name of an output or of any value inside; "": the first output. Maps and tokens are averaged.
    ValueError: another kind of input. It can be pickled: what is sent is the file's content.
    """

    def __init__(self, file: str, output: str = "", side: int | None = None, pixels: str = "imagenet") -> None:
        self.content = Path(file).read_bytes()
        self.output = output
        self.mean, self.std = (np.asarray(part, dtype=np.float32) for part in SCALES[pixels])
        self._open()
        self.side = self._side(side)
        self.measure()

    def _open(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # every core has a batch of its own, see extraction.py
        options.log_severity_level = 3
        load = [options, ["CPUExecutionProvider"]]
        session = onnxruntime.InferenceSession(self.content, *load)
        if self.output and self.output not in [known.name for known in session.get_outputs()]:
            try:
                session = onnxruntime.InferenceSession(self.content + _also_output(self.output), *load)
            except Exception as error:  # onnxruntime has classes of its own for them
                raise ValueError(f"the file has no value {self.output!r} to be the features: {error}") from error
        self.session = session
        self.wanted = self.output or session.get_outputs()[0].name
        self.input = session.get_inputs()[0]
        shape = self.input.shape
        if len(session.get_inputs()) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise ValueError(f"the network takes {shape}, where one input of (n, 3, H, W) or (n, H, W, 3) was expected")
        self.channels_last = shape[1] != 3
        self.at_once = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None  # a file may fix it
        kinds = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
        if self.input.type not in kinds:
            raise ValueError(f"the network takes {self.input.type}, where floats or bytes were expected")
        self.dtype = kinds[self.input.type]

    def _side(self, side: int | None) -> int:
        height, width = self.input.shape[1:3] if self.channels_last else self.input.shape[2:4]
        fixed = [value for value in (height, width) if isinstance(value, int) and value > 0]
        if len(set(fixed)) > 1 or (fixed and side not in (None, fixed[0])):
            raise ValueError(f"the network takes images of {height} × {width} pixels, not squares of {side or 'any'}")
        return fixed[0] if fixed else side or USUAL_SIDE

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        n = len(batch)
        at_once = self.at_once or n
        rows = [self._features(batch[start : start + at_once]) for start in range(0, n, at_once)]
        return np.concatenate(rows)

    def _features(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels: NDArray[Any] = batch
        if self.dtype != np.uint8:
            pixels = ((batch / np.float32(255) - self.mean) / self.std).astype(self.dtype)
        missing = (self.at_once or len(batch)) - len(batch)
        pixels = np.pad(pixels, [(0, missing), (0, 0), (0, 0), (0, 0)])
        if not self.channels_last:
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        [values] = self.session.run([self.wanted], {self.input.name: pixels})
        values = np.asarray(values, dtype=np.float32)[: len(batch)]
        if values.ndim == 3:  # tokens
            values = values.mean(1)
        if values.ndim > 2:  # maps
            values = values.reshape(*values.shape[:2], -1).mean(2)
        return np.asarray(values, dtype=np.float32)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("session", "input")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._open()


def _also_output(name: str) -> bytes:
    """What, behind an ONNX file, makes the value ``name`` inside its graph an output too.

    Messages of Protocol Buffers that stand behind each other are merged, lists joined: this is a model (field 7: its
    graph) with a graph (field 12: its outputs) with a value of that name (field 1).
    """
    message = name.encode()
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2]) + _varint(len(message)) + message
    return message


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
