"""Carries training data to a machine that can render none: pages and photographs in one archive of lossless WebP files.

    python3 -m upscale_training.pack --cache DIR --to data.zip [--limit 60] [--scales 2 3 4]
    python3 -m upscale_training.pack --cache DIR --from data.zip
"""

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from .pages import PAGE

PHOTO_SHARE = 0.5


def encoded(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, quality=60, method=1)
    return buffer.getvalue()


def page_files(cache: Path, prefix: str, scales: list[int]):
    """One list of (name, data) per page, at 1x and at every scale."""
    arrays = {scale: np.load(cache / f"{prefix}-{scale}x.npy", mmap_mode="r") for scale in [1, *scales]}
    for number in range(len(arrays[1])):
        yield [(f"{prefix}/{number:04d}-{scale}x.webp", encoded(np.asarray(array[number]))) for scale, array in arrays.items()]


def photo_files(cache: Path):
    """One list of (name, data) per photograph: the finest that is not too large, without the traces of its JPEG file."""
    for path in sorted((cache / "photos").glob("*-3.npy")):
        yield [(f"photos/{path.stem}.webp", encoded(np.load(path)))]


def pack(cache: Path, target: Path, limit: int, scales: list[int], validation: int = 4) -> dict[str, int]:
    """Writes at most `limit` bytes: a few validation pages and as many pages and photographs as fit. Returns how many of each."""
    counts = {"valid": 0, "pages": 0, "photos": 0}
    room = {"pages": limit * (1 - PHOTO_SHARE), "photos": limit * PHOTO_SHARE}
    with zipfile.ZipFile(target, "w") as archive:

        def add(kind: str, files) -> bool:
            size = sum(len(data) + 2 * len(name) + 200 for name, data in files)
            budget = "photos" if kind == "photos" else "pages"
            if size > room[budget]:
                return False
            room[budget] -= size
            counts[kind] += 1
            for name, data in files:
                archive.writestr(name, data)
            return True

        for _, files in zip(range(validation), page_files(cache, "valid", scales)):
            add("valid", files)
        for kind, source in (("pages", page_files(cache, "pages", scales)), ("photos", photo_files(cache))):
            for files in source:
                if not add(kind, files):
                    break
    return counts


def unpack(archive: Path, cache: Path) -> None:
    """Writes the arrays that `render` and `photos.prepare` would have written."""
    cache.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as files:
        for prefix in ("valid", "pages"):
            names = sorted(name for name in files.namelist() if name.startswith(f"{prefix}/"))
            for scale in sorted({int(name[-7]) for name in names}):
                chosen = [name for name in names if name.endswith(f"-{scale}x.webp")]
                shape = (len(chosen), PAGE * scale, PAGE * scale, 3)
                array = np.lib.format.open_memmap(cache / f"{prefix}-{scale}x.npy", "w+", np.uint8, shape)
                for number, name in enumerate(chosen):
                    array[number] = opened(files, name)
                array.flush()
        (cache / "photos").mkdir(parents=True, exist_ok=True)
        for name in files.namelist():
            if name.startswith("photos/"):
                picture = Image.fromarray(opened(files, name))
                # The coarser copy brings other detail to the finest scale.
                half = picture.resize((picture.width // 2, picture.height // 2), Image.LANCZOS)
                for copy, ending in ((picture, ""), (half, "-half")):
                    np.save(cache / "photos" / f"{Path(name).stem}{ending}.npy", np.asarray(copy))


def opened(files: zipfile.ZipFile, name: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(files.read(name))).convert("RGB"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--to", type=Path)
    parser.add_argument("--from", type=Path, dest="source")
    parser.add_argument("--limit", type=int, default=60, help="megabytes")
    parser.add_argument("--scales", type=int, nargs="+", default=[2, 3, 4])
    o = parser.parse_args()
    if o.to:
        print(pack(o.cache, o.to, o.limit * 1_000_000, o.scales))
    else:
        unpack(o.source, o.cache)
