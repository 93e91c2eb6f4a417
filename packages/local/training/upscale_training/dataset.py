"""Draws training batches from rendered pages and photographs."""

from pathlib import Path

import numpy as np

from . import degrade
from .experts import Expert
from .photos import Photos
from .registration import BLOCK, sampling_weights


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
    """Pairs of a small input (with halo) and the large truth of its interior, mixed as the expert wants them."""

    def __init__(self, expert: Expert, pages: Pages | None, photos: Photos, scale: int, patch: int, halo: int, seed):
        self.expert, self.pages, self.photos, self.scale = expert, pages, photos, scale
        self.patch, self.halo, self.random = patch, halo, np.random.default_rng(seed)
        self.damage = degrade.DAMAGES[expert.damage]
        self.photo_share = expert.photo_share if len(photos) else 0.0
        if not pages and self.photo_share < 1:
            raise ValueError("no pages to train on")

    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        is_photo = self.random.random() < self.photo_share
        small, large = self.photo() if is_photo else self.page()
        inner = slice(self.halo * self.scale, (self.halo + self.patch) * self.scale)
        turned = self.turn(small, large[inner, inner], 1.0 if is_photo else 0.5)
        # A page may have any colours; a photograph in false ones is none.
        return turned if is_photo else self.recolour(*turned)

    def photo(self) -> tuple[np.ndarray, np.ndarray]:
        large = self.photos.crop(self.random, (self.patch + 2 * self.halo) * self.scale)
        return self.damage(self.reduced(large), self.random), large

    def page(self) -> tuple[np.ndarray, np.ndarray]:
        random, scale, size = self.random, self.scale, self.patch + 2 * self.halo
        page, y, x = self.pages.draw(random)
        limit = self.pages.small.shape[1] - size
        y, x = (min(max(v - size // 2, 0), limit) for v in (y, x))
        large = self.pages.large[page, y * scale : (y + size) * scale, x * scale : (x + size) * scale]
        if random.random() < self.expert.native_share:
            small = self.pages.small[page, y : y + size, x : x + size]
        else:
            small = self.reduced(np.ascontiguousarray(large))
        # Some are never damaged, so that clean pages stay clean.
        if random.random() >= self.expert.undamaged:
            small = self.damage(np.ascontiguousarray(small), random)
        return small, large

    def reduced(self, large: np.ndarray) -> np.ndarray:
        return degrade.reduce(large, self.scale, degrade.draw_reduction(self.expert.reductions, self.random))

    def turn(self, small, large, share: float):
        """One of the eight symmetries, for `share` of the crops: type is mostly upright."""
        symmetry = int(self.random.integers(8)) if self.random.random() < share else 0
        small, large = (np.rot90(picture, symmetry % 4) for picture in (small, large))
        return (small[:, ::-1], large[:, ::-1]) if symmetry >= 4 else (small, large)

    def recolour(self, small, large):
        """A permutation of colours, and now and then the negative."""
        order, negative = self.random.permutation(3), self.random.random() < 0.2
        small, large = small[..., order], large[..., order]
        return (255 - small, 255 - large) if negative else (small, large)

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        pairs = [self.pair() for _ in range(count)]
        return np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])
