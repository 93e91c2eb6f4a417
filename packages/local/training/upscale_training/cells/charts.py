"""Charts: bars, lines, pies and scatter, with axes and labels."""

import math

from .common import SIZE, colour, palette, sentence
from .words import WORDS


def bars(r, accent, background):
    step = r.choice([8, 12, 18, 28])
    for x in range(34, 300, step):
        height = r.randint(5, 240)
        place = f"x='{x}' y='{290 - height}' width='{step * r.uniform(0.4, 0.9):.1f}' height='{height}'"
        yield f"<rect {place} rx='{r.choice([0, 0, 2])}' fill='{r.choice([accent, accent, colour(r)])}'/>"


def lines(r, accent, background):
    for _ in range(r.randint(1, 5)):
        y, points = r.randint(60, 260), []
        for x in range(30, 312, r.choice([6, 14, 30])):
            y = min(295, max(20, y + r.gauss(0, 22)))
            points.append(f"{x},{y:.1f}")
        dash = f"stroke-dasharray='{r.choice(['4 2', '2 2', '6 3 1 3'])}'" if r.random() < 0.3 else ""
        stroke = f"stroke='{colour(r)}' stroke-width='{r.choice([0.75, 1, 1.5, 2, 3])}' {dash}"
        yield f"<polyline points='{' '.join(points)}' fill='none' {stroke}/>"


def pie(r, accent, background):
    angle, inner = 0.0, r.choice([0, 0, 50])
    while angle < 6.28:
        end = min(2 * math.pi, angle + r.uniform(0.15, 1.6))
        (ax, ay), (bx, by) = ((165 + 110 * math.cos(a), 160 + 110 * math.sin(a)) for a in (angle, end))
        path = f"M165 160L{ax:.2f} {ay:.2f}A110 110 0 {int(end - angle > math.pi)} 1 {bx:.2f} {by:.2f}Z"
        yield f"<path d='{path}' fill='{colour(r)}' stroke='{background}' stroke-width='{r.choice([0, 1, 2])}'/>"
        angle = end
    if inner:
        yield f"<circle cx='165' cy='160' r='{inner}' fill='{background}'/>"


def scatter(r, accent, background):
    for _ in range(120):
        place = f"cx='{r.uniform(34, 310):.1f}' cy='{r.uniform(20, 295):.1f}' r='{r.uniform(0.7, 4):.1f}'"
        yield f"<circle {place} fill='{r.choice([accent, colour(r)])}' fill-opacity='{r.choice([1, 0.7, 0.4])}'/>"


def chart(r, stock):
    background, ink, accent = palette(r)
    parts = [f"<rect width='{SIZE}' height='{SIZE}' fill='{background}'/>"]
    font = f"font-family=\"{r.choice(stock.latin)}\" font-size='{r.choice([6, 7, 8, 9, 10, 11])}' fill='{ink}'"
    thin = r.choice([0.5, 1, 1, 1.5])
    # On half a pixel a hairline is sharp; on a whole one it is smeared over two rows, and then looks just like a
    # wider and fainter line, which is much more common.
    half = 0.5 if r.random() < 0.9 else 0
    for y in range(40, 300, r.choice([20, 26, 40])):
        parts.append(f"<path d='M30 {y + half}H310' stroke='{ink}' stroke-opacity='.25' stroke-width='{thin}'/>")
        parts.append(f"<text x='4' y='{y + 3}' {font}>{r.randint(0, 999)}</text>")
    parts += r.choice([bars, lines, pie, scatter])(r, accent, background)
    for x in range(36, 300, 40):
        parts.append(f"<text x='{x}' y='308' {font}>{r.choice(WORDS)[:6]}</text>")
    parts.append(f"<text x='40' y='18' {font} font-weight='700'>{sentence(r, 4)}</text>")
    return f"<svg width='{SIZE}' height='{SIZE}'>{''.join(parts)}</svg>"
