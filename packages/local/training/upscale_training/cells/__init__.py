"""The kinds of cells a training page is made of, each with how often it is drawn.

Every function takes the random source and the stock (fonts, icons, photographs) and returns HTML for
a box of SIZE x SIZE CSS pixels.
"""

from .borders import borders
from .charts import chart
from .common import SIZE, Stock
from .drawings import icons, line_art, logos, poster, shapes
from .interface import interface
from .patterns import patterns
from .text import article, code, scripts, table, tiny_text

KINDS = [
    (article, 16), (tiny_text, 16), (scripts, 5), (interface, 14), (table, 7), (code, 8), (chart, 9), (icons, 10), (line_art, 8),
    (shapes, 7), (logos, 6), (patterns, 5), (poster, 6), (borders, 14),
]
