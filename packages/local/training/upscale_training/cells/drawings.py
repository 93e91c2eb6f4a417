"""Icons, logos, line art, gradients and shapes, posters."""

import math
from pathlib import Path

from .common import SIZE, colour, palette, sentence, tag, type_style


def icon(r, stock, size: float, style: str = "") -> str:
    """One SVG icon, filled with the current colour unless it brings strokes or colours of its own."""
    path = r.choice(stock.icons) if stock.icons else None
    svg = Path(path).read_text(errors="ignore") if path else "<svg/>"
    svg = svg[max(svg.find("<svg"), 0) :]
    fill = "" if "stroke=" in svg or "flag-icons" in (path or "") else "fill:currentColor;"
    return f'<span class="icon" style="width:{size}px;height:{size}px;{fill}{style}">{svg}</span>'


def icons(r, stock):
    background, ink, accent = palette(r)
    parts, fixed = [], r.choice([0, 0, 12, 16, 16, 20, 24, 32, 48])
    for _ in range(150 if fixed and fixed < 30 else 60):
        size = fixed or r.choice([10, 12, 14, 16, 18, 20, 24, 28, 32, 48, 64])
        style = f"margin:{r.choice([2, 3, 4, 2.5])}px;color:{r.choice([ink, ink, accent, colour(r)])}"
        parts.append(icon(r, stock, size, style))
    return tag(f"background:{background};height:100%;padding:3px;line-height:0", "".join(parts))


def logos(r, stock):
    """White on black or the other way: what an alpha channel of a logo looks like."""
    back, ink = ("#000", "#fff") if r.random() < 0.6 else ("#fff", "#000")
    parts = []
    for _ in range(9):
        size = r.choice([20, 28, 40, 56])
        name = tag(f"white-space:nowrap;{type_style(r, stock, size * r.uniform(0.3, 0.9))}", sentence(r, 2), "span")
        parts.append(tag(f"display:flex;align-items:center;gap:8px;height:{size + 8}px", icon(r, stock, size) + name))
    return tag(f"height:100%;background:{back};color:{ink};padding:6px", "".join(parts))


def stroke_shape(r, ink: str) -> str:
    p = [f"{r.uniform(-20, 340):.1f}" for _ in range(8)]
    stroke = f"stroke='{r.choice([ink, ink, colour(r)])}' stroke-width='{r.choice([0.3, 0.5, 0.75, 1, 1, 1.5, 2, 3, 6])}'"
    box = f"width='{r.uniform(2, 90):.1f}' height='{r.uniform(2, 90):.1f}' transform='rotate({r.randint(0, 90)} {p[0]} {p[1]})'"
    return r.choice([
        f"<path d='M{p[0]} {p[1]}C{p[2]} {p[3]} {p[4]} {p[5]} {p[6]} {p[7]}' fill='none' {stroke}/>",
        f"<path d='M{p[0]} {p[1]}L{p[2]} {p[3]}' fill='none' {stroke}/>",
        f"<circle cx='{p[0]}' cy='{p[1]}' r='{r.uniform(1, 60):.1f}' fill='{r.choice(['none', 'none', colour(r)])}' {stroke}/>",
        f"<rect x='{p[0]}' y='{p[1]}' {box} fill='{r.choice(['none', colour(r)])}' {stroke}/>",
        f"<path d='M{p[0]} {p[1]}L{p[2]} {p[3]} {p[4]} {p[5]}Z' fill='{colour(r)}' fill-opacity='{r.choice([1, 1, 0.5])}'/>",
    ])


def line_art(r, stock):
    background, ink, _ = palette(r)
    parts = [f"<rect width='{SIZE}' height='{SIZE}' fill='{background}'/>"]
    parts += [stroke_shape(r, ink) for _ in range(r.randint(20, 80))]
    if r.random() < 0.4:
        # A fan of hairlines: every angle, ever closer together.
        x, y = r.randint(40, 280), r.randint(40, 280)
        for k in range(r.choice([24, 48, 90])):
            a = k * 2 * math.pi / 48
            end = f"{x + 90 * math.cos(a):.2f} {y + 90 * math.sin(a):.2f}"
            parts.append(f"<path d='M{x} {y}L{end}' stroke='{ink}' stroke-width='{r.choice([0.5, 1])}'/>")
    return f"<svg width='{SIZE}' height='{SIZE}'>{''.join(parts)}</svg>"


def filling(r) -> str:
    angle = r.choice([0, 45, 90, r.randint(0, 180)])
    stripes = f"{colour(r)} 0 {r.randint(1, 6)}px,{colour(r)} 0 {r.randint(7, 12)}px"
    return r.choice([
        colour(r),
        f"linear-gradient({r.randint(0, 360)}deg,{colour(r)},{colour(r)})",
        f"radial-gradient(circle,{colour(r)},{colour(r)})",
        f"repeating-linear-gradient({angle}deg,{stripes})",
    ])


def headline(r, stock, size: float, words: int, style: str) -> str:
    return tag(f"position:absolute;white-space:nowrap;{style};{type_style(r, stock, size)}", sentence(r, words))


def shapes(r, stock):
    stops = ",".join(colour(r) for _ in range(r.choice([2, 2, 3])))
    parts = []
    for _ in range(r.randint(5, 14)):
        place = f"left:{r.uniform(-20, 280):.1f}px;top:{r.uniform(-20, 280):.1f}px"
        size = f"width:{r.uniform(8, 150):.1f}px;height:{r.uniform(8, 150):.1f}px"
        look = f"background:{filling(r)};border-radius:{r.choice(['0', '4px', '16px', '50%'])};opacity:{r.choice([1, 1, 0.7])}"
        depth = f"transform:rotate({r.choice([0, 0, 0, r.randint(0, 90)])}deg);box-shadow:{r.choice(['none', '0 4px 12px rgba(0,0,0,.4)'])}"
        parts.append(tag(f"position:absolute;{place};{size};{look};{depth}"))
    for _ in range(r.randint(1, 5)):
        place = f"left:{r.randint(0, 200)}px;top:{r.randint(0, 280)}px;transform:rotate({r.choice([0, 0, r.randint(-90, 90)])}deg)"
        parts.append(headline(r, stock, r.uniform(9, 64), r.randint(1, 3), f"{place};color:{colour(r)}"))
    background = f"linear-gradient({r.randint(0, 360)}deg,{stops})"
    return tag(f"position:relative;height:100%;overflow:hidden;background:{background}", "".join(parts))


def poster(r, stock):
    """Type over a photograph."""
    if not stock.photos:
        return shapes(r, stock)
    photo = Path(r.choice(stock.photos)).resolve().as_uri()
    place = f"left:{-r.randint(0, 200)}px;top:{-r.randint(0, 120)}px;width:{r.randint(560, 900)}px"
    look = f"filter:{r.choice(['none', 'brightness(.6)', 'contrast(1.2)'])}"
    parts = [f'<img src="{photo}" style="position:absolute;{place};{look}">']
    for _ in range(r.randint(2, 6)):
        place = f"left:{r.randint(0, 160)}px;top:{r.randint(0, 290)}px"
        look = f"color:{r.choice(['#fff', '#fff', '#000', colour(r)])};text-shadow:{r.choice(['none', 'none', '0 1px 3px #000'])}"
        parts.append(headline(r, stock, r.uniform(7, 54), r.randint(1, 6), f"{place};{look}"))
    return tag("position:relative;height:100%;overflow:hidden", "".join(parts))
