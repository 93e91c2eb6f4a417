"""What all cells share: the stock they draw from, colours, type and text."""

import html
from dataclasses import dataclass
from random import Random

from .words import WORDS

# Side of a cell, in CSS pixels.
SIZE = 320
NOISE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@#&?!{}[]()/;:"
ACCENTED = ["naïve", "café", "Übergröße", "señor", "façade", "œuvre", "Łódź", "Åse", "fjord", "příliš"]
MARKS = [",", ".", ";", ":", "!", "?", " –"]


@dataclass
class Stock:
    latin: list
    mono: list
    scripts: dict
    icons: list
    photos: list


def colour(r: Random, low: int = 0, high: int = 255) -> str:
    return f"rgb({r.randint(low, high)},{r.randint(low, high)},{r.randint(low, high)})"


def palette(r: Random) -> tuple[str, str, str]:
    """Background, foreground and accent of one theme: light, dark or coloured."""
    accent = f"hsl({r.randint(0, 359)},{r.randint(40, 95)}%,{r.randint(30, 60)}%)"
    kind = r.random()
    if kind < 0.25:
        return "#fff", r.choice(["#000", "#111", "#222", "#333"]), accent
    if kind < 0.45:
        return colour(r, 225, 255), colour(r, 0, 90), accent
    if kind < 0.55:
        return "#000", "#fff", accent
    if kind < 0.78:
        return colour(r, 0, 50), colour(r, 170, 255), accent
    if kind < 0.9:
        return accent, r.choice(["#fff", "#000", "#fafafa"]), colour(r)
    return colour(r), colour(r), accent


def text_size(r: Random) -> float:
    """A third below 8 px, most at body sizes, some headlines."""
    kind = r.random()
    if kind < 0.35:
        return round(r.uniform(4.5, 8), 1)
    if kind < 0.5:
        return r.choice([7, 7.5, 8, 8.5, 9])
    if kind < 0.85:
        return r.choice([8, 9, 10, 11, 12, 13, 14, 15, 16, round(r.uniform(8, 16), 1)])
    return r.uniform(16, 48)


def figure(r: Random) -> str:
    return r.choice([
        str(r.randint(0, 9999)),
        f"{r.uniform(0, 100):.2f}",
        f"${r.randint(1, 999)}",
        f"{r.randint(1, 99)}%",
        f"{r.randint(1, 28)}/{r.randint(1, 12)}/{r.randint(1990, 2030)}",
    ])


def sentence(r: Random, count: int) -> str:
    """Words with capitals, figures, accents, noise and punctuation among them, escaped for HTML."""
    words = []
    for _ in range(count):
        word = r.choice(WORDS)
        kind = r.random()
        if kind < 0.12:
            word = word.capitalize()
        elif kind < 0.16:
            word = word.upper()
        elif kind < 0.24:
            word = figure(r)
        elif kind < 0.28:
            word = "".join(r.choice(NOISE) for _ in range(r.randint(3, 9)))
        elif kind < 0.3:
            word = r.choice(ACCENTED)
        words.append(word + (r.choice(MARKS) if r.random() < 0.12 else ""))
    return html.escape(" ".join(words))


def type_style(r: Random, stock: Stock, size: float | None = None, mono: bool = False) -> str:
    family = r.choice(stock.mono if mono else stock.latin)
    size = size or text_size(r)
    style = f"font-family:'{family}';font-size:{size}px;line-height:{r.choice([1.15, 1.25, 1.35, 1.5, 1.6])};"
    style += f"font-weight:{r.choice([400, 400, 400, 300, 500, 600, 700, 800])};"
    if r.random() < 0.15:
        style += "font-style:italic;"
    if r.random() < 0.1:
        style += f"letter-spacing:{r.uniform(-0.03, 0.15):.2f}em;"
    if r.random() < 0.2:
        # Layout at fractions of a pixel, as on a screen with hinting switched off.
        style += "text-rendering:geometricPrecision;"
    return style


def tag(style: str, inside: str = "", name: str = "div") -> str:
    """An element; the style may hold single quotes (font names do) but no double ones."""
    return f'<{name} style="{style}">{inside}</{name}>'
