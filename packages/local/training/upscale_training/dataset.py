"""Draws training batches from rendered pages and photographs."""

from pathlib import Path

import numpy as np

from . import degrade
from .photos import Photos
from .registration import BLOCK, sampling_weights

PHOTO_SHARE = 0.30
NATIVE_SHARE = 0.68
# This share of the page crops is never damaged, so that clean pages stay clean.
ALWAYS_CLEAN = 0.25


class Pages:
    """Memory-mapped renderings at 1x and at the model's scale, with crop weights."""

    def __init__(self, cache: Path, scale: int, prefix: str = "pages"):
        self.small = np.load(cache / f"{prefix}-1x.npy", mmap_mode="r")
        self.large = np.load(cache / f"{prefix}-{scale}x.npy", mmap_mode="r")
        known = cache / f"{prefix}-weights-{scale}x.npy"
        if known.exists():
            weights = np.load(known)
        else:
            weights = np.stack([sampling_weights(a, b, scale) for a, b in zip(self.small, self.large)])
            np.save(known, weights)
        self.shape = weights.shape
        self.cumulative = np.cumsum(weights.ravel(), dtype=np.float64)

    def draw(self, random: np.random.Generator) -> tuple[int, int, int]:
        """Page and a point near the middle of a crop."""
        at = np.searchsorted(self.cumulative, random.random() * self.cumulative[-1])
        page, row, column = np.unravel_index(min(at, self.cumulative.size - 1), self.shape)
        jitter = random.integers(0, BLOCK, 2)
        return int(page), int(row) * BLOCK + int(jitter[0]), int(column) * BLOCK + int(jitter[1])


class Sampler:
    """Pairs of a small input (with halo) and the large truth of its interior."""

    def __init__(self, pages: Pages, photos: Photos, scale: int, patch: int, halo: int, seed: int):
        self.pages, self.photos, self.scale = pages, photos, scale
        self.patch, self.halo, self.random = patch, halo, np.random.default_rng(seed)

    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        random, scale, size = self.random, self.scale, self.patch + 2 * self.halo
        if len(self.photos) and random.random() < PHOTO_SHARE:
            large = self.photos.crop(random, size * scale)
            small = degrade.damage(degrade.reduce(large, scale, degrade.draw_reduction(random)), random)
        else:
            page, y, x = self.pages.draw(random)
            limit = self.pages.small.shape[1] - size
            y, x = (min(max(v - size // 2, 0), limit) for v in (y, x))
            large = self.pages.large[page, y * scale : (y + size) * scale, x * scale : (x + size) * scale]
            if random.random() < NATIVE_SHARE:
                small = self.pages.small[page, y : y + size, x : x + size]
            else:
                small = degrade.reduce(np.ascontiguousarray(large), scale, degrade.draw_reduction(random))
            if random.random() >= ALWAYS_CLEAN:
                small = degrade.damage(np.ascontiguousarray(small), random)
        inner = slice(self.halo * scale, (self.halo + self.patch) * scale)
        return self.augment(small, large[inner, inner])

    def augment(self, small, large):
        """The eight symmetries, a permutation of colours, and now and then the negative."""
        random = self.random
        # Text is mostly upright, so half the crops keep their orientation.
        symmetry = int(random.integers(8)) if random.random() < 0.5 else 0
        order, negative = random.permutation(3), random.random() < 0.2
        out = []
        for picture in (small, large):
            picture = np.rot90(picture, symmetry % 4)
            if symmetry >= 4:
                picture = picture[:, ::-1]
            picture = picture[..., order]
            out.append(255 - picture if negative else picture)
        return out

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        pairs = [self.pair() for _ in range(count)]
        return np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])
