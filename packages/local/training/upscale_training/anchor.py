"""The fixed part of every model: Catmull-Rom enlargement with half-pixel centres.

The weights are integers over 2**14, so that the runner can reproduce the anchor bit for bit;
for x2 and x4 they are the exact cubic, for x3 they are rounded so that each phase sums to 1.
"""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

ONE = 1 << 14
TAPS = 4


def phase_weights(scale: int) -> list[tuple[int, list[int]]]:
    """Per output phase: offset of the first of four input samples, and their weights."""
    phases = []
    for phase in range(scale):
        centre = (phase + 0.5) / scale - 0.5
        base = int(np.floor(centre))
        t = centre - base
        exact = [
            -0.5 * t**3 + t**2 - 0.5 * t,
            1.5 * t**3 - 2.5 * t**2 + 1,
            -1.5 * t**3 + 2 * t**2 + 0.5 * t,
            0.5 * t**3 - 0.5 * t**2,
        ]
        weights = [int(np.floor(w * ONE + 0.5)) for w in exact]
        largest = int(np.argmax(weights))
        weights[largest] += ONE - sum(weights)
        phases.append((base - 1, weights))
    return phases


@lru_cache(maxsize=None)
def kernel(scale: int) -> torch.Tensor:
    """The enlargement as a convolution of one colour: (scale * scale, 1, 5, 5), phases in the order of a pixel shuffle."""
    taps = torch.zeros(scale, 5)
    for phase, (offset, weights) in enumerate(phase_weights(scale)):
        for k, w in enumerate(weights):
            taps[phase, 2 + offset + k] = w / ONE
    return torch.einsum("ay,bx->abyx", taps, taps).reshape(scale * scale, 1, 5, 5)


def enlarge(x: torch.Tensor, scale: int, border: int) -> torch.Tensor:
    """Float anchor of a batch (N,3,H,W), less `border` >= 2 input pixels on each side."""
    inner = x[..., border - 2 : x.shape[2] + 2 - border, border - 2 : x.shape[3] + 2 - border]
    colours = inner.reshape(-1, 1, *inner.shape[2:])
    phases = F.conv2d(colours, kernel(scale).to(x))
    return F.pixel_shuffle(phases, scale).reshape(x.shape[0], 3, (inner.shape[2] - 4) * scale, (inner.shape[3] - 4) * scale)


def enlarge_integer(x: np.ndarray, scale: int) -> np.ndarray:
    """Exact anchor of a whole (H,W,3) picture of 12-bit samples (int32), edges replicated.

    Horizontal pass first: h = (sum(w * x) + 2**9) >> 10 (samples with 4 extra bits), then the
    vertical pass: (sum(w * h) + 2**17) >> 18. Nothing leaves int32.
    """
    wide = (_weigh_axis(x.astype(np.int64), scale, 1) + (1 << 9)) >> 10
    tall = (_weigh_axis(wide, scale, 0) + (1 << 17)) >> 18
    return tall.astype(np.int32)


def _weigh_axis(x: np.ndarray, scale: int, axis: int) -> np.ndarray:
    size = x.shape[axis]
    out_shape = list(x.shape)
    out_shape[axis] = size * scale
    out = np.empty(out_shape, np.int64)
    positions = np.arange(size)
    for phase, (offset, weights) in enumerate(phase_weights(scale)):
        total = 0
        for k, w in enumerate(weights):
            index = np.clip(positions + offset + k, 0, size - 1)
            total = total + w * np.take(x, index, axis=axis)
        target = [slice(None)] * x.ndim
        target[axis] = slice(phase, None, scale)
        out[tuple(target)] = total
    return out
