"""Picture arithmetic by the papers' convention: MATLAB's imresize, its luma, PSNR."""

import numpy as np


def cubic(x: np.ndarray) -> np.ndarray:
    a = np.abs(x)
    near = 1.5 * a**3 - 2.5 * a**2 + 1
    far = -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2
    return np.where(a <= 1, near, np.where(a <= 2, far, 0.0))


def reduce_axis(picture: np.ndarray, scale: int, axis: int) -> np.ndarray:
    """Antialiased bicubic reduction along one axis, borders mirrored, as imresize does it."""
    moved = np.moveaxis(picture, axis, 0).astype(np.float64)
    size = moved.shape[0]
    out = -(-size // scale)
    centres = (np.arange(out) + 0.5) * scale - 0.5
    first = np.floor(centres - 2 * scale).astype(int)
    taps = first[:, None] + np.arange(4 * scale + 2)
    weights = cubic((centres[:, None] - taps) / scale)
    weights /= weights.sum(1, keepdims=True)
    index = np.mod(taps, 2 * size)
    index = np.where(index >= size, 2 * size - 1 - index, index)
    rows = np.einsum("ot,ot...->o...", weights, moved[index])
    return np.moveaxis(rows, 0, axis)


def imresize_down(picture: np.ndarray, scale: int) -> np.ndarray:
    small = reduce_axis(reduce_axis(picture, scale, 0), scale, 1)
    return np.clip(np.floor(small + 0.5), 0, 255).astype(np.uint8)


def luma(picture: np.ndarray) -> np.ndarray:
    """MATLAB's rgb2ycbcr, Y only, not rounded."""
    return 16 + picture.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def psnr_luma(result: np.ndarray, truth: np.ndarray, border: int) -> float:
    inner = (slice(border, -border), slice(border, -border))
    error = np.mean((luma(result)[inner] - luma(truth)[inner]) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def sharpness(picture: np.ndarray) -> float:
    """Mean squared gradient of the luma."""
    y = luma(picture)
    return float(np.mean(np.diff(y, axis=0)[:, :-1] ** 2 + np.diff(y, axis=1)[:-1] ** 2))
