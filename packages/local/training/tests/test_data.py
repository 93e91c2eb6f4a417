"""Reductions, registration and the fonts kept out of training."""

import re
import tempfile
import unittest
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from upscale_training import degrade, experts, fonts, pack, pictures, registration
from upscale_training.cells.borders import borders
from upscale_training.cells.common import Stock
from upscale_training.cells.words import WORDS
from upscale_training.dataset import Pages, Sampler
from upscale_training.experts import EXPERTS
from upscale_training.pages import PAGE
from upscale_training.photos import Photos, prepare


class Reductions(unittest.TestCase):
    def test_every_reduction_keeps_flat_colours_and_size(self):
        flat = np.full((24, 36, 3), (10, 128, 250), np.uint8)
        for method, _ in experts.MIXED:
            for scale in (2, 3, 4):
                small = degrade.reduce(flat, scale, method)
                self.assertEqual(small.shape, (24 // scale, 36 // scale, 3))
                self.assertLessEqual(np.abs(small.astype(int) - flat[0, 0]).max(), 1, method)

    def test_no_reduction_shifts(self):
        ramp = np.repeat(np.arange(96)[None, :, None] * 2, 48, 0).repeat(3, 2).astype(np.uint8)
        for scale in (2, 3, 4):
            expected = ((np.arange(96 // scale) + 0.5) * scale - 0.5) * 2
            for method, _ in experts.MIXED:
                row = degrade.reduce(ramp, scale, method)[5, :, 0].astype(float)
                # Light mixes brighter than the mean of its codes, hence the wider tolerance.
                allowed = 4 if method == "linear-light" else 1
                self.assertLessEqual(np.abs(row - expected)[3:-3].max(), allowed, method)

    def test_damage_keeps_the_size(self):
        random = np.random.default_rng(1)
        small = random.integers(0, 256, (20, 30, 3)).astype(np.uint8)
        for damage in degrade.DAMAGES.values():
            for _ in range(60):
                damaged = damage(small, random)
                self.assertEqual((damaged.shape, damaged.dtype), (small.shape, small.dtype))

    def test_heavy_damage_leaves_nothing_as_it_was_and_none_leaves_all(self):
        random = np.random.default_rng(1)
        small = random.integers(0, 256, (24, 24, 3)).astype(np.uint8)
        for _ in range(40):
            self.assertTrue((degrade.none(small, random) == small).all())
            self.assertFalse((degrade.heavy(small, random) == small).all())

    def test_noise_has_the_strength_asked_for(self):
        flat = np.full((64, 64, 3), 128, np.uint8)
        random = np.random.default_rng(4)
        for strength in (2, 6, 12):
            for _ in range(6):
                noise = degrade.add_noise(flat, random, strength, strength).astype(float) - flat
                self.assertAlmostEqual(noise.std(), strength, delta=0.1 * strength)

    def test_the_papers_reduction_keeps_flat_colours(self):
        flat = np.full((24, 36, 3), 77, np.uint8)
        self.assertTrue((pictures.imresize_down(flat, 3) == 77).all())


class Registration(unittest.TestCase):
    def test_a_shift_is_found_and_left_out(self):
        random = np.random.default_rng(2)
        smooth = np.kron(random.integers(0, 256, (40, 40)), np.ones((8, 8)))[..., None].repeat(3, 2).astype(np.uint8)
        small = smooth.reshape(160, 2, 160, 2, 3).mean((1, 3)).astype(np.uint8)
        self.assertGreater((registration.sampling_weights(small, smooth, 2) > 0).mean(), 0.9)
        moved = np.roll(smooth, 1, axis=0)
        self.assertLess((registration.sampling_weights(small, moved, 2) > 0).mean(), 0.3)


class Packed(unittest.TestCase):
    def test_data_come_back_as_they_were_and_within_the_limit(self):
        random = np.random.default_rng(3)
        with tempfile.TemporaryDirectory() as folder:
            there, back, archive = Path(folder, "a"), Path(folder, "b"), Path(folder, "data.zip")
            (there / "photos").mkdir(parents=True)
            flat = random.integers(0, 256, (3, 1, 1, 3)).astype(np.uint8)
            for prefix in ("pages", "valid"):
                for scale in (1, 2):
                    np.save(there / f"{prefix}-{scale}x.npy", np.tile(flat, (1, PAGE * scale, PAGE * scale, 1)))
            photo = random.integers(0, 256, (40, 50, 3)).astype(np.uint8)
            np.save(there / "photos" / "a-3.npy", photo)
            counts = pack.pack(there, archive, 200_000, [2])
            self.assertEqual(counts, {"valid": 3, "pages": 3, "photos": 1})
            self.assertLess(archive.stat().st_size, 200_000)
            pack.unpack(archive, back)
            for name in ("pages-1x.npy", "pages-2x.npy", "valid-2x.npy"):
                self.assertTrue((np.load(back / name) == np.load(there / name)).all(), name)
            self.assertTrue((np.load(back / "photos" / "a-3.npy") == photo).all())
            self.assertEqual(pack.pack(there, archive, 6_000, [2])["photos"], 0)


class Photographs(unittest.TestCase):
    """Nothing prepared must not pass for prepared: training would go on with pages alone."""

    def save(self, folder: Path, side: int) -> None:
        folder.mkdir(parents=True)
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(folder / "a.jpg")

    def test_photographs_are_reduced(self):
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder, "files"), 700)
            prepare(Path(folder, "files"), Path(folder, "cache"))
            self.assertEqual(len(Photos(Path(folder, "cache"))), 1)

    def test_the_caches_own_folder_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder, "photos"), 700)
            with self.assertRaisesRegex(ValueError, "another folder"):
                prepare(Path(folder, "photos"), Path(folder))

    def test_photographs_that_are_all_too_small_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder, "files"), 300)
            with self.assertRaisesRegex(ValueError, "at least 320 pixels"):
                prepare(Path(folder, "files"), Path(folder, "cache"))


class Mixture(unittest.TestCase):
    """What the batches of each expert hold."""

    def sampler(self, name: str, folder: Path) -> Sampler:
        random = np.random.default_rng(5)
        (folder / "photos").mkdir(exist_ok=True)
        np.save(folder / "photos" / "a-2.npy", random.integers(100, 156, (200, 220, 3)).astype(np.uint8))
        # Pages of pure black and white, so that a crop tells where it is from.
        small = (random.integers(0, 2, (1, 96, 96, 1)) * 255).repeat(3, 3).astype(np.uint8)
        np.save(folder / "pages-1x.npy", small)
        np.save(folder / "pages-2x.npy", small.repeat(2, 1).repeat(2, 2))
        return Sampler(EXPERTS[name], Pages(folder, 2), Photos(folder), 2, 16, 4, 7)

    def test_shares_of_photographs(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, expert in EXPERTS.items():
                sampler = self.sampler(name, Path(folder))
                photographs = [np.ptp(sampler.pair()[1].astype(int)) < 200 for _ in range(200)]
                self.assertAlmostEqual(np.mean(photographs), expert.photo_share, delta=0.12, msg=name)

    def test_batches_have_the_shapes_the_network_needs(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in EXPERTS:
                small, large = self.sampler(name, Path(folder)).batch(3)
                self.assertEqual((small.shape, large.shape), ((3, 24, 24, 3), (3, 32, 32, 3)))


class BorderCells(unittest.TestCase):
    def test_lines_are_whole_pixels(self):
        stock = Stock(["Serif"], ["Mono"], {}, [], [])
        for seed in range(40):
            html = borders(Random(seed), stock)
            for width in re.findall(r"border(?:-(?:top|right|bottom|left))?:([0-9.]+)px", html):
                self.assertIn(width, ("1", "2", "3", "4"))


class KeptOut(unittest.TestCase):
    def test_no_font_of_the_tests_is_trained_on(self):
        names = " | ".join(fonts.latin_families()).lower()
        for kept in fonts.KEPT_FOR_TESTS:
            self.assertNotIn(kept.lower(), names)

    def test_there_are_words(self):
        self.assertGreater(len(set(WORDS)), 200)


if __name__ == "__main__":
    unittest.main()
