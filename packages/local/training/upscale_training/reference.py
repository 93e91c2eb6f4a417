"""Reference of the exported integer arithmetic, in numpy: what every runner must reproduce.

All the rules of the weight file are here and in export.py; nothing here uses PyTorch.
"""

import json
import struct
from pathlib import Path

import numpy as np

from .anchor import enlarge_integer

MAGIC = b"UPS1"
ACTIVATION_BITS = 12
ACTIVATION_MAX = 32767


def read_weights(path: Path):
    """The header and one (int16 OIHW kernel, int32 bias, shift) per layer."""
    data = Path(path).read_bytes()
    if data[:4] != MAGIC:
        raise ValueError(f"{path}: not a weight file")
    (length,) = struct.unpack_from("<I", data, 4)
    header = json.loads(data[8 : 8 + length])
    offset, layers = 8 + length, []
    for layer in header["layers"]:
        shape = (layer["out"], layer["in"], 3, 3)
        count = int(np.prod(shape))
        kernel = np.frombuffer(data, "<i2", count, offset).reshape(shape)
        bias = np.frombuffer(data, "<i4", layer["out"], offset + 2 * count)
        offset += 2 * count + 4 * layer["out"]
        layers.append((kernel, bias, layer["shift"]))
    if offset != len(data):
        raise ValueError(f"{path}: {len(data) - offset} bytes too many or too few")
    return header, layers


def to_samples(picture: np.ndarray) -> np.ndarray:
    """8-bit values to 12-bit samples: round(v / 255 * 4096), halves up."""
    return (picture.astype(np.int64) * 8192 + 255) // 510


def to_bytes(samples: np.ndarray) -> np.ndarray:
    """12-bit samples, clamped to 0..4096, to 8 bits: round(x * 255 / 4096), halves up."""
    clamped = np.clip(samples.astype(np.int64), 0, 4096)
    return ((clamped * 255 + 2048) >> 12).astype(np.uint8)


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, shift: int, last: bool) -> np.ndarray:
    """One 'valid' layer on (H,W,C) samples."""
    rows, columns = x.shape[0] - 2, x.shape[1] - 2
    taps = [x[dy : dy + rows, dx : dx + columns] for dy in range(3) for dx in range(3)]
    patches = np.concatenate(taps, axis=2).reshape(rows * columns, -1)
    flat = kernel.transpose(2, 3, 1, 0).reshape(patches.shape[1], -1)
    # float64 holds these sums exactly (below 2**53) and multiplies matrices quickly.
    total = (patches.astype(np.float64) @ flat.astype(np.float64)).astype(np.int64) + bias
    if np.abs(total).max() >= 2**31:
        raise OverflowError("an accumulator left int32")
    y = (total + (1 << (shift - 1))) >> shift
    low = -32768 if last else 0
    return np.clip(y, low, ACTIVATION_MAX).reshape(rows, columns, -1)


def residual(header: dict, layers: list, samples: np.ndarray) -> np.ndarray:
    """The network's int16 output after the pixel shuffle, for a whole (H,W,3) picture."""
    halo, scale = len(layers), header["scale"]
    x = np.pad(samples, ((halo, halo), (halo, halo), (0, 0)), mode="edge")
    for index, (kernel, bias, shift) in enumerate(layers):
        x = convolve(x, kernel, bias, shift, last=index == halo - 1)
    height, width = x.shape[:2]
    # Channel c*s*s + dy*s + dx belongs to colour c at (dy, dx), as torch.nn.PixelShuffle has it.
    shuffled = x.reshape(height, width, 3, scale, scale).transpose(0, 3, 1, 4, 2)
    return shuffled.reshape(height * scale, width * scale, 3).astype(np.int32)


def upscale(header: dict, layers: list, picture: np.ndarray) -> np.ndarray:
    """An (H,W,3) picture of bytes, enlarged, as bytes."""
    samples = to_samples(picture)
    anchor = enlarge_integer(samples, header["scale"])
    return to_bytes(anchor + residual(header, layers, samples))
