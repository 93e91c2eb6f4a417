"""Finds the parts of a page where the small and the large rendering are out of register.

A browser puts text baselines on whole device pixels, so at 1x a line may sit half a CSS pixel
from where it sits at 2x. A net trained on such pairs learns to blur, or to shift. The shift of
every block is estimated from gradients (Lucas-Kanade); the worst are not trained on.
"""

import numpy as np

BLOCK = 16
MAX_SHIFT = 0.18


def luma(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def blocks(values: np.ndarray) -> np.ndarray:
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    return values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).sum((1, 3))


def measure(small: np.ndarray, large: np.ndarray, scale: int):
    """Per block: shift in small pixels and amount of detail (mean squared gradient)."""
    a = luma(small)
    b = luma(large).reshape(a.shape[0], scale, a.shape[1], scale).mean((1, 3))
    gy, gx = np.gradient((a + b) / 2)
    error = b - a
    # Neighbours take part, so that one stroke at a block's rim is not judged alone.
    xx, xy, yy, xe, ye = (spread(blocks(v)) for v in (gx * gx, gx * gy, gy * gy, gx * error, gy * error))
    determinant = xx * yy - xy * xy + 1e3 * (xx + yy) + 1e6
    shift = np.hypot((yy * xe - xy * ye) / determinant, (xx * ye - xy * xe) / determinant)
    return shift, blocks(gx * gx + gy * gy) / BLOCK**2


def spread(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    rows, columns = values.shape
    return sum(padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3))


def sampling_weights(small: np.ndarray, large: np.ndarray, scale: int) -> np.ndarray:
    """How often to train on a crop centred on each block: never out of register, seldom empty."""
    shift, detail = measure(small, large, scale)
    weights = np.minimum(0.06 + np.sqrt(detail) / 20, 1.0)
    bad = shift > MAX_SHIFT
    # A crop covers the blocks around its centre too.
    bad = spread(bad.astype(np.float32)) >= 2
    return np.where(bad, 0.0, weights).astype(np.float32)
