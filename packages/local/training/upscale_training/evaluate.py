"""Measures weight files: in float from the quantised weights, or with --exact in integers, as users get it.

    python3 -m upscale_training.evaluate --cache DIR [--photos DIR/valid] [--bench DIR] weights/design-x2.bin …

`native`: pages never trained on, input rendered at 1x; `bicubic` and `box`: the same, input reduced from the
truth; `photo`: photographs never trained on, bicubic. `jpeg` is a file of quality 75 (pages) or 80 (photographs), 4:2:0;
`noise` is of 12 levels on each colour. Each as PSNR-Y in dB, the anchor alone in brackets. `lines`: levels by which
straight lines of one colour are off (`lines.py`). Public sets (folders of HR pictures under --bench) are for information:
nothing is chosen by them.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from . import lines, reference
from .anchor import enlarge_integer
from .checkpoint import dequantise
from .degrade import encode, reduce
from .export import float_output
from .pictures import imresize_down, psnr_luma, sharpness
from .registration import measure


def crop_to(picture: np.ndarray, scale: int) -> np.ndarray:
    height, width = (n - n % scale for n in picture.shape[:2])
    return picture[:height, :width]


def validation_cells(cache: Path, scale: int, limit: int, cell: int = 160):
    """Cells of the validation pages that have detail and are in register."""
    small = np.load(cache / "valid-1x.npy", mmap_mode="r")
    large = np.load(cache / f"valid-{scale}x.npy", mmap_mode="r")
    found = []
    for a, b in zip(small, large):
        for y in range(0, a.shape[0] - cell + 1, cell):
            for x in range(0, a.shape[1] - cell + 1, cell):
                s = np.asarray(a[y : y + cell, x : x + cell])
                l = np.asarray(b[y * scale : (y + cell) * scale, x * scale : (x + cell) * scale])
                shift, detail = measure(s, l, scale)
                if detail.mean() > 20 and np.average(shift, weights=detail + 1e-6) < 0.15:
                    found.append((s, l))
    step = max(1, len(found) // limit)
    return found[::step][:limit]


def photo_pictures(folder: Path, scale: int, side: int = 480):
    """The middle of JPEG photographs, reduced so that the traces of their files are gone, and of PNG files as they are."""
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".jpg", ".png")):
        image = Image.open(path).convert("RGB")
        for divisor in (3, 6) if path.suffix == ".jpg" else (1,):
            picture = np.asarray(image.resize((image.width // divisor, image.height // divisor), Image.LANCZOS))
            y, x = (max(0, (n - side) // 2) for n in picture.shape[:2])
            yield crop_to(picture[y : y + side, x : x + side], scale)


def folder_pictures(folder: Path, scale: int):
    for path in sorted(folder.glob("*.png")):
        yield crop_to(np.asarray(Image.open(path).convert("RGB")), scale)


# A cell of a page that comes out almost exactly counts no more than this: one level more or less is ten decibels there.
MOST = 45.0


class Score:
    def __init__(self, header, layers, exact: bool):
        self.header, self.layers, self.exact = header, layers, exact
        self.kernels = dequantise(layers)
        self.rows: dict[str, list] = {}

    def add(self, name: str, small: np.ndarray, truth: np.ndarray, most: float = np.inf) -> None:
        scale = self.header["scale"]
        if self.exact:
            result = reference.upscale(self.header, self.layers, small)
        else:
            result = np.rint(float_output(self.kernels, scale, small)).astype(np.uint8)
        plain = reference.to_bytes(enlarge_integer(reference.to_samples(small), scale))
        self.rows.setdefault(name, []).append((
            min(psnr_luma(result, truth, scale), most), min(psnr_luma(plain, truth, scale), most), sharpness(result) / max(sharpness(truth), 1e-9),
        ))

    def line(self) -> str:
        parts = []
        for name, rows in self.rows.items():
            ours, plain, sharp = np.array(rows).T
            parts.append(f"{name} {ours.mean():.2f} ({plain.mean():.2f}) sharpness {np.median(sharp):.2f}")
        return " | ".join(parts)


def flat_error(header, layers) -> int:
    """The largest change of a flat colour, in levels of 8 bits."""
    random = np.random.default_rng(5)
    worst = 0
    for colour in [*random.integers(0, 256, (60, 3)), (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)]:
        picture = np.full((1, 1, 3), colour, np.uint8)
        worst = max(worst, int(np.abs(reference.upscale(header, layers, picture).astype(int) - picture).max()))
    return worst


def evaluate(path: Path, cache: Path, photos: Path | None, bench: Path | None, cells: int, exact: bool) -> str:
    header, layers = reference.read_weights(path)
    score = Score(header, layers, exact)
    scale = header["scale"]
    for small, truth in validation_cells(cache, scale, cells):
        score.add("native", small, truth, MOST)
        score.add("native jpeg", jpeg(small, 75), truth, MOST)
        score.add("bicubic", imresize_down(truth, scale), truth, MOST)
        score.add("box", reduce(np.ascontiguousarray(truth), scale, "box"), truth, MOST)
    for truth in photo_pictures(photos, scale) if photos else ():
        small = imresize_down(truth, scale)
        score.add("photo", small, truth)
        score.add("photo jpeg", jpeg(small, 80), truth)
        score.add("photo noise", noisy(small), truth)
    for folder in sorted(p for p in bench.iterdir() if p.is_dir()) if bench else ():
        for truth in folder_pictures(folder, scale):
            small = imresize_down(truth, scale)
            score.add(folder.name, small, truth)
            score.add(f"{folder.name} jpeg", jpeg(small, 80), truth)
    off = lines.error(lambda small: float_output(score.kernels, scale, small), scale)
    return f"{path.name}: {score.line()} | lines {off} | flat colours off by {flat_error(header, layers)} at most"


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    return encode(picture, format="JPEG", quality=quality, subsampling=2)


def noisy(picture: np.ndarray, strength: float = 12) -> np.ndarray:
    noise = np.random.default_rng(9).normal(0, strength, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--cells", type=int, default=40, help="how many 160-pixel cells of the validation pages")
    parser.add_argument("--exact", action="store_true", help="integer arithmetic: what users get, slower here")
    o = parser.parse_args()
    for path in o.weights:
        print(evaluate(path, o.cache, o.photos, o.bench, o.cells, o.exact), flush=True)
