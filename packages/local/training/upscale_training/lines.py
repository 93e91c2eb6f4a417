"""How true straight lines come out: lines of 1 to 4 px and one colour on a flat ground, as borders of boxes are."""

import colorsys

import numpy as np

from .cells.borders import LADDER

WIDTHS = (1, 2, 3, 4)
COLOURS = [(saturation, lightness) for saturation in (0.1, 0.9) for lightness in (96, *LADDER)]


def shade(random: np.random.Generator) -> np.ndarray:
    saturation, lightness = COLOURS[random.integers(len(COLOURS))]
    return np.rint(np.array(colorsys.hls_to_rgb(random.random(), lightness / 100, saturation)) * 255)


def frame(ground: np.ndarray, ink: np.ndarray, width: int, scale: int) -> np.ndarray:
    """A box of 20 px with a border, at 1x or enlarged exactly."""
    picture = np.broadcast_to(ground, (32, 32, 3)).copy()
    picture[6:26, 6:26] = ink
    picture[6 + width : 26 - width, 6 + width : 26 - width] = ground
    return picture.astype(np.uint8).repeat(scale, 0).repeat(scale, 1)


def error(enlarge, scale: int, count: int = 60) -> str:
    """The mean over colours of the largest error in levels inside the lines, for each width in turn."""
    random, means = np.random.default_rng(7), []
    pairs = [(shade(random), shade(random)) for _ in range(count)]
    pairs += [(np.array([255, 255, 255]), np.array([229, 231, 235]))] * (count // 4)
    for width in WIDTHS:
        worst = []
        for ground, ink in pairs:
            result = enlarge(frame(ground, ink, width, 1))
            # The left and upper sides, away from the corners, without the half pixel at their rims.
            rim = scale // 2 if width > 1 else 0
            inner = slice(6 * scale + rim, (6 + width) * scale - rim)
            along = slice(12 * scale, 20 * scale)
            sides = np.concatenate([result[inner, along].reshape(-1, 3), result[along, inner].reshape(-1, 3)])
            worst.append(np.abs(sides - ink).max())
        means.append(f"{np.mean(worst):.1f}")
    return "/".join(means)
