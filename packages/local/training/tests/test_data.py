"""Reductions, registration and the fonts kept out of training."""

import unittest

import numpy as np

from upscale_training import degrade, experts, fonts, pictures, registration
from upscale_training.cells.words import WORDS


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


class KeptOut(unittest.TestCase):
    def test_no_font_of_the_tests_is_trained_on(self):
        names = " | ".join(fonts.latin_families()).lower()
        for kept in fonts.KEPT_FOR_TESTS:
            self.assertNotIn(kept.lower(), names)

    def test_there_are_words(self):
        self.assertGreater(len(set(WORDS)), 200)


if __name__ == "__main__":
    unittest.main()
