"""Training pages: a 2 x 2 grid of random cells, each page decided by its number and the seed."""

from pathlib import Path
from random import Random

from . import cells
from .fonts import OTHER_SCRIPTS, families, latin_families, monospaced

PAGE = 2 * cells.SIZE
STYLE = """*{box-sizing:border-box}body{margin:0;width:%dpx;height:%dpx;display:grid;grid-template:1fr 1fr/1fr 1fr;overflow:hidden}
section{width:%dpx;height:%dpx;overflow:hidden}.icon{display:inline-block}.icon svg{width:100%%;height:100%%;display:block}"""


def gather_stock(icon_folder: Path | None, photo_folder: Path | None) -> cells.Stock:
    latin = latin_families()
    icons = sorted(str(p) for p in Path(icon_folder).rglob("*.svg")) if icon_folder else []
    # Kept for the tests, should it ever be installed beside the others.
    icons = [p for p in icons if "lucide" not in p]
    photos = sorted(str(p) for p in Path(photo_folder).glob("*.jpg")) if photo_folder else []
    return cells.Stock(latin, monospaced(latin), {code: families(code) for code in OTHER_SCRIPTS}, icons, photos)


def page_html(number: int, seed: int, stock: cells.Stock) -> str:
    r = Random(f"{seed}-{number}")
    makers, weights = zip(*cells.KINDS)
    sections = [f"<section>{maker(r, stock)}</section>" for maker in r.choices(makers, weights, k=4)]
    style = STYLE % (PAGE, PAGE, cells.SIZE, cells.SIZE)
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{''.join(sections)}"
