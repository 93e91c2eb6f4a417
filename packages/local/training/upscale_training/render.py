"""Renders the pages at every device scale into one array per scale: pages-<scale>x.npy."""

import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

from .chromium import Chromium
from .pages import PAGE, gather_stock, page_html


def render(
    cache: Path, count: int, scales: list[int], seed: int, icons: Path | None, photos: Path | None,
    prefix: str = "pages", chromium: str = "chromium",
) -> None:
    """Renders what is missing; a file without `.part` in its name is whole."""
    cache.mkdir(parents=True, exist_ok=True)
    targets = {scale: cache / f"{prefix}-{scale}x.npy" for scale in scales}
    missing = [scale for scale, path in targets.items() if not path.exists()]
    if not missing:
        return
    stock = gather_stock(icons, photos)
    arrays = {
        scale: np.lib.format.open_memmap(f"{targets[scale]}.part", "w+", np.uint8, (count, PAGE * scale, PAGE * scale, 3))
        for scale in missing
    }
    page = cache / f"{prefix}-{'-'.join(map(str, missing))}.html"
    started = time.time()
    # Half of the visitors' systems hint type, half don't.
    with Chromium(chromium) as hinted, Chromium(chromium, ("--font-render-hinting=none",)) as plain:
        for number in range(count):
            browser = plain if number % 2 else hinted
            page.write_text(page_html(number, seed, stock))
            browser.call("Emulation.setDeviceMetricsOverride", width=PAGE, height=PAGE, deviceScaleFactor=missing[0], mobile=False)
            browser.open(page)
            for scale in missing:
                shot = Image.open(io.BytesIO(browser.screenshot(PAGE, scale))).convert("RGB")
                arrays[scale][number] = np.asarray(shot)
            if number % 20 == 19:
                print(f"{number + 1} of {count} pages, {time.time() - started:.0f} s", flush=True)
    for scale, array in arrays.items():
        array.flush()
        Path(f"{targets[scale]}.part").rename(targets[scale])

