"""How a small picture comes to be: the reductions and the damage a site does to its images."""

import io

import numpy as np
from PIL import Image, ImageFilter

FILTERS = {"box": Image.BOX, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS, "linear-light": Image.BOX}


def reduce(picture: np.ndarray, scale: int, method: str) -> np.ndarray:
    """A (H,W,3) picture, its sides multiples of scale, made `scale` times smaller."""
    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    if method == "plain-bilinear":
        # No antialiasing: the mean of the pixels around each centre, as cheap code does.
        a, b = (scale - 1) // 2, scale // 2
        rows = (picture[a::scale].astype(np.uint16) + picture[b::scale] + 1) >> 1
        return ((rows[:, a::scale] + rows[:, b::scale] + 1) >> 1).astype(np.uint8)
    if method == "linear-light":
        linear = (picture.astype(np.float32) / 255) ** 2.2
        small = linear.reshape(height, scale, width, scale, 3).mean((1, 3))
        return np.rint(small ** (1 / 2.2) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(picture).resize((width, height), FILTERS[method]))


def draw_reduction(reductions: tuple, random: np.random.Generator) -> str:
    names, weights = zip(*reductions)
    return names[random.choice(len(names), p=weights)]


def encode(picture: np.ndarray, **options) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def palette(picture: np.ndarray, colours: int, dither: bool) -> np.ndarray:
    image = Image.fromarray(picture).quantize(colours, dither=Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE)
    return np.asarray(image.convert("RGB"))


def add_noise(picture: np.ndarray, random: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Noise of a camera's kind: its strength from `low` to `high` levels, on grey alone, on each colour, or part of both."""
    grey, colour = random.normal(size=(*picture.shape[:2], 1)), random.normal(size=picture.shape)
    share = random.choice([0.0, 0.5, 1.0])
    noise = (np.sqrt(share) * grey + np.sqrt(1 - share) * colour) * random.uniform(low, high)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def compress(picture: np.ndarray, random: np.random.Generator, low: int, high: int) -> np.ndarray:
    """A JPEG file of a quality from `low` to `high`, most often about 80, or (one in five) a WebP file."""
    quality = int(random.triangular(low, 80, high + 1))
    if random.random() < 0.2:
        return encode(picture, format="WEBP", quality=quality, method=1)
    return encode(picture, format="JPEG", quality=quality, subsampling=int(random.choice([0, 2, 2])))


def none(small: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return small


def light(small: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """At most one kind of damage; most pictures keep what the reduction left."""
    kind = random.random()
    if kind < 0.07:
        return encode(small, format="JPEG", quality=int(random.integers(70, 97)), subsampling=int(random.choice([0, 2])))
    if kind < 0.10:
        return encode(small, format="WEBP", quality=int(random.integers(70, 97)), method=1)
    if kind < 0.14:
        return palette(small, int(random.choice([16, 32, 64, 128, 256])), dither=random.random() < 0.5)
    if kind < 0.16:
        percent = int(random.integers(20, 70))
        return np.asarray(Image.fromarray(small).filter(ImageFilter.UnsharpMask(0.7, percent, 0)))
    if kind < 0.20:
        # Strong enough that grain is known for what it is and doesn't become worms.
        return add_noise(small, random, 0.5, 8)
    return small


def heavy(small: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Compressed once or twice, with or without noise before it; or noise alone."""
    kind = random.random()
    if kind < 0.12:
        return add_noise(small, random, 1, 12)
    if kind < 0.24:
        small = add_noise(small, random, 1, 8)
    if kind > 0.9:
        small = compress(small, random, 60, 95)
    return compress(small, random, 40, 95)


DAMAGES = {"none": none, "light": light, "heavy": heavy}
