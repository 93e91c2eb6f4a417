"""Photographs: reduced copies to train on and to put under posters.

A folder of JPEG files of a clean licence; those in its sub-folder `valid` are measured on only.
"""

from pathlib import Path

import numpy as np
from PIL import Image

# The first reduction removes the traces of the JPEG file; the others bring coarser detail to the finest scale.
DIVISORS = (2, 3, 5, 8)
SMALLEST_SIDE = 320
POSTER_WIDTH = 2000


def prepare(folder: Path, cache: Path) -> None:
    """Writes the reduced copies once: arrays for training, JPEG files for the pages.

    ValueError if nothing comes of it: an expert of photographs would learn from pages alone, which no log shows.
    """
    target = cache / "photos"
    if folder.resolve() == target.resolve():
        raise ValueError(f"{folder} is where the cache keeps its reduced copies: keep the photographs in another folder")
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.jpg")):
        poster = target / path.name
        if poster.exists():
            continue
        image = Image.open(path).convert("RGB")
        for divisor in DIVISORS:
            size = (image.width // divisor, image.height // divisor)
            if min(size) >= SMALLEST_SIDE:
                np.save(target / f"{path.stem}-{divisor}.npy", np.asarray(image.resize(size, Image.LANCZOS)))
        divisor = max(2, round(image.width / POSTER_WIDTH))
        small = image.resize((image.width // divisor, image.height // divisor), Image.BOX)
        # Written last: its presence says that the arrays are there.
        small.save(poster, quality=97, subsampling=0)
    if not any(target.glob("*.npy")):
        raise ValueError(f"{folder} holds no JPEG photograph whose half is at least {SMALLEST_SIDE} pixels high and wide")


class Photos:
    """The prepared arrays, drawn from by the square root of their area."""

    def __init__(self, cache: Path):
        self.pictures = [np.load(path, mmap_mode="r") for path in sorted((cache / "photos").glob("*.npy"))]
        areas = np.array([np.sqrt(p.shape[0] * p.shape[1]) for p in self.pictures])
        self.cumulative = np.cumsum(areas / areas.sum()) if len(areas) else areas

    def __len__(self):
        return len(self.pictures)

    def crop(self, random: np.random.Generator, size: int) -> np.ndarray:
        """The more detailed of two random crops: skies are plenty."""
        best, score = None, -1.0
        for _ in range(2):
            picture = self.pictures[min(np.searchsorted(self.cumulative, random.random()), len(self.pictures) - 1)]
            y, x = (int(random.integers(0, n - size + 1)) for n in picture.shape[:2])
            candidate = np.asarray(picture[y : y + size, x : x + size])
            coarse = candidate[::3, ::3, 1].astype(np.int16)
            detail = float(np.abs(np.diff(coarse, axis=0)).mean())
            if detail > score:
                best, score = candidate, detail
        return best
