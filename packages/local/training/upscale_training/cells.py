"""HTML for one cell of a training page: text, interface, code, charts, icons, patterns …

Every function takes the random source and the stock (fonts, icons, photographs) and returns
the inside of a box of SIZE x SIZE CSS pixels.
"""

import html
import math
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .fonts import OTHER_SCRIPTS

SIZE = 320

WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there "
    "would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two "
    "may first then do any like my now over such our man me even most made after also did many off before must well back through years where much "
    "your way down should because long each just state those people too mr how little good world make very year still see own work men day get here "
    "between both life being under three never know same last another while us might great old go come since against right used take states himself "
    "few house use during without again place around however home small found thought went say part once high general upon school every account "
    "settings profile invoice download upload dashboard overview analytics quarter revenue growth users sessions checkout password email search "
    "filter export import delete cancel confirm billing project pixel vector gradient contrast typography kerning ligature serif baseline"
).split()
KEYWORDS = "const let return if else for while import from export function class new await async def yield int float void static public".split()


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
    if kind < 0.8:
        return r.choice([8, 9, 10, 11, 12, 13, 14, 15, 16, round(r.uniform(8, 16), 1)])
    return r.uniform(16, 48)


def sentence(r: Random, count: int) -> str:
    words = []
    for _ in range(count):
        word = r.choice(WORDS)
        kind = r.random()
        if kind < 0.12:
            word = word.capitalize()
        elif kind < 0.16:
            word = word.upper()
        elif kind < 0.24:
            word = r.choice([str(r.randint(0, 9999)), f"{r.uniform(0, 100):.2f}", f"${r.randint(1, 999)}", f"{r.randint(1, 99)}%", f"{r.randint(1,28)}/{r.randint(1,12)}/{r.randint(1990,2030)}"])
        elif kind < 0.28:
            word = "".join(r.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@#&?!{}[]()/;:") for _ in range(r.randint(3, 9)))
        elif kind < 0.3:
            word = r.choice(["naïve", "café", "Übergröße", "señor", "façade", "œuvre", "Łódź", "Åse", "fjord", "příliš"])
        words.append(word + (r.choice([",", ".", ";", ":", "!", "?", " –"]) if r.random() < 0.12 else ""))
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


def article(r, stock):
    background, ink, accent = palette(r)
    parts, height = [], 0
    while height < SIZE:
        size = text_size(r)
        count = max(2, min(60, int(900 / size)))
        tint = ink if r.random() < 0.8 else accent
        parts.append(f"<p style=\"margin:{r.randint(1, 8)}px 0;color:{tint};{type_style(r, stock, size)}\">{sentence(r, count)}</p>")
        height += size * 1.5 * max(1, count * size * 3 / SIZE)
    return f"<div style='background:{background};padding:{r.randint(2, 12)}px;height:100%'>{''.join(parts)}</div>"


def tiny_text(r, stock):
    background, ink, _ = palette(r)
    columns = r.choice([1, 2, 3])
    blocks = "".join(
        f"<p style='margin:2px 0;{type_style(r, stock, round(r.uniform(4.5, 8), 1))}'>{sentence(r, r.randint(8, 30))}</p>" for _ in range(30)
    )
    return f"<div style='background:{background};color:{ink};padding:4px;height:100%;columns:{columns};column-gap:6px;column-fill:auto'>{blocks}</div>"


def scripts(r, stock):
    background, ink, _ = palette(r)
    parts = []
    for _ in range(14):
        language = r.choice(list(OTHER_SCRIPTS))
        family = r.choice(stock.scripts[language] or stock.latin)
        words = OTHER_SCRIPTS[language].split(" ")
        text = " ".join(r.choice(words) for _ in range(10))
        parts.append(f"<p lang={language} style=\"margin:3px 0;font-family:'{family}';font-size:{text_size(r)}px\">{text}</p>")
    return f"<div style='background:{background};color:{ink};padding:5px;height:100%'>{''.join(parts)}</div>"


def interface(r, stock):
    background, ink, accent = palette(r)
    font = type_style(r, stock, r.choice([10, 11, 12, 13, 14, 15]))
    border = f"{r.choice([1, 1, 1, 2, 0.5, 1.5])}px solid {r.choice([accent, ink, 'rgba(128,128,128,.5)'])}"
    radius = r.choice([0, 2, 4, 6, 8, 12, 999])
    shadow = r.choice(["none", f"0 {r.randint(1, 4)}px {r.randint(2, 14)}px rgba(0,0,0,{r.uniform(0.1, 0.5):.2f})", f"0 0 0 {r.randint(1, 4)}px {colour(r)}"])
    def button():
        filled = r.random() < 0.6
        look = f"background:{accent};color:{r.choice(['#fff', '#000'])}" if filled else f"border:{border}"
        return f"<span style='display:inline-block;padding:{r.randint(2, 8)}px {r.randint(5, 16)}px;margin:4px;border-radius:{radius}px;box-shadow:{shadow};{look}'>{sentence(r, r.randint(1, 2))}</span>"
    def toggle():
        return f"<span style='display:inline-block;width:32px;height:18px;border-radius:9px;background:{r.choice([accent, '#999'])};margin:4px;position:relative;vertical-align:middle'><i style='position:absolute;width:14px;height:14px;border-radius:7px;background:#fff;top:2px;{r.choice(['left', 'right'])}:2px'></i></span>"
    def field():
        return f"<div style='border:{border};border-radius:{min(radius, 10)}px;padding:5px 8px;margin:4px;width:{r.randint(90, 260)}px;opacity:{r.choice([1, 1, 0.6])}'>{sentence(r, 2)}</div>"
    def bar():
        return f"<div style='height:{r.randint(2, 10)}px;margin:6px 4px;border-radius:5px;background:rgba(128,128,128,.25)'><div style='height:100%;border-radius:5px;width:{r.randint(5, 98)}%;background:{accent}'></div></div>"
    def boxes():
        return "".join(f"<input type={r.choice(['checkbox', 'radio'])} {r.choice(['checked', ''])} style='accent-color:{accent}'>" for _ in range(4))
    def badge():
        return f"<span style='display:inline-block;font-size:{r.choice([8, 9, 10])}px;padding:1px 6px;border-radius:9px;background:{colour(r)};color:#fff;margin:3px'>{sentence(r, 1)}</span>"
    def card():
        return f"<div style='border-radius:{min(radius, 12)}px;box-shadow:{shadow};border:{border};padding:8px;margin:6px;display:inline-block;width:{r.randint(90, 200)}px;vertical-align:top'><b>{sentence(r, 2)}</b><div style='font-size:{r.choice([8, 9, 10])}px;opacity:.7'>{sentence(r, 12)}</div></div>"
    pieces = [r.choice([button, button, toggle, field, bar, boxes, badge, card])() for _ in range(22)]
    return f"<div style=\"background:{background};color:{ink};padding:6px;height:100%;{font}\">{''.join(pieces)}</div>"


def table(r, stock):
    background, ink, accent = palette(r)
    columns = r.randint(3, 7)
    line = r.choice([f"1px solid {accent}", "1px solid rgba(128,128,128,.4)", "0.5px solid #888", "none"])
    stripe = r.choice(["transparent", "rgba(128,128,128,.12)"])
    rows = "".join(
        f"<tr style='background:{stripe if y % 2 else 'transparent'}'>" + "".join(f"<td style='border:{line};padding:{r.choice([1, 2, 4])}px 4px;text-align:{r.choice(['left', 'right'])}'>{sentence(r, r.choice([1, 1, 2]))}</td>" for _ in range(columns)) + "</tr>"
        for y in range(24)
    )
    return f"<div style='background:{background};color:{ink};height:100%'><table style=\"border-collapse:collapse;width:100%;{type_style(r, stock, r.choice([6, 7, 8, 9, 10, 11, 12]))}\">{rows}</table></div>"


def code(r, stock):
    background, ink, _ = palette(r)
    tints = [f"hsl({r.randint(0, 359)},70%,{r.randint(35, 70)}%)" for _ in range(4)]
    lines = []
    for number in range(40):
        words = []
        for _ in range(r.randint(1, 9)):
            kind = r.random()
            if kind < 0.3:
                words.append(f"<b style='color:{tints[0]}'>{r.choice(KEYWORDS)}</b>")
            elif kind < 0.5:
                words.append(f"<span style='color:{tints[1]}'>&quot;{r.choice(WORDS)}&quot;</span>")
            elif kind < 0.65:
                words.append(f"<span style='color:{tints[2]}'>{r.randint(0, 5000)}</span>")
            else:
                words.append(r.choice(WORDS) + r.choice(["()", " =", ";", " =&gt; {", "[0]", ".", " !==", "&lt;T&gt;", "}", " &amp;&amp;"]))
        lines.append(f"<span style='opacity:.4'>{number + 1:3d} </span>{'  ' * r.randint(0, 4)}{' '.join(words)}")
    style = type_style(r, stock, r.choice([6, 7, 8, 9, 10, 11, 12, 13, 14]), mono=True)
    return f"<pre style=\"margin:0;padding:6px;height:100%;background:{background};color:{ink};{style}\">{chr(10).join(lines)}</pre>"


def chart(r, stock):
    background, ink, accent = palette(r)
    parts = [f"<rect width='{SIZE}' height='{SIZE}' fill='{background}'/>"]
    font = f"font-family=\"{r.choice(stock.latin)}\" font-size='{r.choice([6, 7, 8, 9, 10, 11])}' fill='{ink}'"
    thin = r.choice([0.5, 1, 1, 1.5])
    half = 0.5 if r.random() < 0.5 else 0
    for y in range(40, 300, r.choice([20, 26, 40])):
        parts.append(f"<path d='M30 {y + half}H310' stroke='{ink}' stroke-opacity='.25' stroke-width='{thin}'/><text x='4' y='{y + 3}' {font}>{r.randint(0, 999)}</text>")
    kind = r.choice(["bars", "lines", "pie", "scatter"])
    if kind == "bars":
        step = r.choice([8, 12, 18, 28])
        for x in range(34, 300, step):
            h = r.randint(5, 240)
            parts.append(f"<rect x='{x}' y='{290 - h}' width='{step * r.uniform(0.4, 0.9):.1f}' height='{h}' rx='{r.choice([0, 0, 2])}' fill='{r.choice([accent, accent, colour(r)])}'/>")
    elif kind == "lines":
        for _ in range(r.randint(1, 5)):
            y, points = r.randint(60, 260), []
            for x in range(30, 312, r.choice([6, 14, 30])):
                y = min(295, max(20, y + r.gauss(0, 22)))
                points.append(f"{x},{y:.1f}")
            dash = f"stroke-dasharray='{r.choice(['4 2', '2 2', '6 3 1 3'])}'" if r.random() < 0.3 else ""
            parts.append(f"<polyline points='{' '.join(points)}' fill='none' stroke='{colour(r)}' stroke-width='{r.choice([0.75, 1, 1.5, 2, 3])}' {dash}/>")
    elif kind == "pie":
        angle, inner = 0.0, r.choice([0, 0, 50])
        while angle < 6.28:
            end = min(6.2832, angle + r.uniform(0.15, 1.6))
            big = 1 if end - angle > math.pi else 0
            a, b = (165 + 110 * math.cos(angle), 160 + 110 * math.sin(angle)), (165 + 110 * math.cos(end), 160 + 110 * math.sin(end))
            parts.append(f"<path d='M165 160L{a[0]:.2f} {a[1]:.2f}A110 110 0 {big} 1 {b[0]:.2f} {b[1]:.2f}Z' fill='{colour(r)}' stroke='{background}' stroke-width='{r.choice([0, 1, 2])}'/>")
            angle = end
        if inner:
            parts.append(f"<circle cx='165' cy='160' r='{inner}' fill='{background}'/>")
    else:
        for _ in range(120):
            parts.append(f"<circle cx='{r.uniform(34, 310):.1f}' cy='{r.uniform(20, 295):.1f}' r='{r.uniform(0.7, 4):.1f}' fill='{r.choice([accent, colour(r)])}' fill-opacity='{r.choice([1, .7, .4])}'/>")
    for x in range(36, 300, 40):
        parts.append(f"<text x='{x}' y='308' {font}>{r.choice(WORDS)[:6]}</text>")
    parts.append(f"<text x='40' y='18' {font} font-weight='700'>{sentence(r, 4)}</text>")
    return f"<svg width='{SIZE}' height='{SIZE}'>{''.join(parts)}</svg>"


def icons(r, stock):
    background, ink, accent = palette(r)
    parts, fixed = [], r.choice([0, 0, 12, 16, 16, 20, 24, 32, 48])
    for _ in range(150 if fixed and fixed < 30 else 60):
        size = fixed or r.choice([10, 12, 14, 16, 18, 20, 24, 28, 32, 48, 64])
        svg = Path(r.choice(stock.icons)).read_text(errors="ignore") if stock.icons else "<svg/>"
        svg = svg[max(svg.find("<svg"), 0):]
        fill = "" if "stroke=" in svg or "flag" in svg[:200] else "fill:currentColor;"
        parts.append(f"<span class=icon style='width:{size}px;height:{size}px;margin:{r.choice([2, 3, 4, 2.5])}px;color:{r.choice([ink, ink, accent, colour(r)])};{fill}'>{svg}</span>")
    return f"<div style='background:{background};height:100%;padding:3px;line-height:0'>{''.join(parts)}</div>"


def line_art(r, stock):
    background, ink, _ = palette(r)
    parts = [f"<rect width='{SIZE}' height='{SIZE}' fill='{background}'/>"]
    for _ in range(r.randint(20, 80)):
        p = [f"{r.uniform(-20, 340):.1f}" for _ in range(8)]
        stroke = f"stroke='{r.choice([ink, ink, colour(r)])}' stroke-width='{r.choice([0.3, 0.5, 0.75, 1, 1, 1.5, 2, 3, 6])}'"
        shape = r.choice([
            f"<path d='M{p[0]} {p[1]}C{p[2]} {p[3]} {p[4]} {p[5]} {p[6]} {p[7]}' fill='none' {stroke}/>",
            f"<path d='M{p[0]} {p[1]}L{p[2]} {p[3]}' fill='none' {stroke}/>",
            f"<circle cx='{p[0]}' cy='{p[1]}' r='{r.uniform(1, 60):.1f}' fill='{r.choice(['none', 'none', colour(r)])}' {stroke}/>",
            f"<rect x='{p[0]}' y='{p[1]}' width='{r.uniform(2, 90):.1f}' height='{r.uniform(2, 90):.1f}' transform='rotate({r.randint(0, 90)} {p[0]} {p[1]})' fill='{r.choice(['none', colour(r)])}' {stroke}/>",
            f"<path d='M{p[0]} {p[1]}L{p[2]} {p[3]} {p[4]} {p[5]}Z' fill='{colour(r)}' fill-opacity='{r.choice([1, 1, .5])}'/>",
        ])
        parts.append(shape)
    if r.random() < 0.4:
        # A fan of hairlines: every angle, ever closer together.
        x, y = r.randint(40, 280), r.randint(40, 280)
        for k in range(r.choice([24, 48, 90])):
            a = k * 6.2832 / 48
            parts.append(f"<path d='M{x} {y}L{x + 90 * math.cos(a):.2f} {y + 90 * math.sin(a):.2f}' stroke='{ink}' stroke-width='{r.choice([0.5, 1])}'/>")
    return f"<svg width='{SIZE}' height='{SIZE}'>{''.join(parts)}</svg>"


def shapes(r, stock):
    background = f"linear-gradient({r.randint(0, 360)}deg,{colour(r)},{colour(r)}{',' + colour(r) if r.random() < 0.4 else ''})"
    parts = []
    for _ in range(r.randint(5, 14)):
        fill = r.choice([colour(r), f"linear-gradient({r.randint(0, 360)}deg,{colour(r)},{colour(r)})", f"radial-gradient(circle,{colour(r)},{colour(r)})", f"repeating-linear-gradient({r.choice([0, 45, 90, r.randint(0, 180)])}deg,{colour(r)} 0 {r.randint(1, 6)}px,{colour(r)} 0 {r.randint(7, 12)}px)"])
        parts.append(f"<div style='position:absolute;left:{r.uniform(-20, 280):.1f}px;top:{r.uniform(-20, 280):.1f}px;width:{r.uniform(8, 150):.1f}px;height:{r.uniform(8, 150):.1f}px;background:{fill};border-radius:{r.choice(['0', '4px', '16px', '50%'])};transform:rotate({r.choice([0, 0, 0, r.randint(0, 90)])}deg);opacity:{r.choice([1, 1, .7])};box-shadow:{r.choice(['none', '0 4px 12px rgba(0,0,0,.4)'])}'></div>")
    for _ in range(r.randint(1, 5)):
        parts.append(f"<div style=\"position:absolute;left:{r.randint(0, 200)}px;top:{r.randint(0, 280)}px;white-space:nowrap;color:{colour(r)};transform:rotate({r.choice([0, 0, r.randint(-90, 90)])}deg);{type_style(r, stock, r.uniform(9, 64))}\">{sentence(r, r.randint(1, 3))}</div>")
    return f"<div style='position:relative;height:100%;overflow:hidden;background:{background}'>{''.join(parts)}</div>"


def logos(r, stock):
    """White on black or the other way: what an alpha channel of a logo looks like."""
    dark = r.random() < 0.6
    parts = []
    for _ in range(9):
        svg = Path(r.choice(stock.icons)).read_text(errors="ignore") if stock.icons else ""
        svg = svg[max(svg.find("<svg"), 0):]
        fill = "" if "stroke=" in svg else "fill:currentColor;"
        size = r.choice([20, 28, 40, 56])
        parts.append(f"<div style='display:flex;align-items:center;gap:8px;height:{size + 8}px'><span class=icon style='width:{size}px;height:{size}px;{fill}'>{svg}</span><span style=\"white-space:nowrap;{type_style(r, stock, size * r.uniform(0.3, 0.9))}\">{sentence(r, 2)}</span></div>")
    return f"<div style='height:100%;background:{'#000' if dark else '#fff'};color:{'#fff' if dark else '#000'};padding:6px'>{''.join(parts)}</div>"


def patterns(r, stock):
    """QR-like modules, 1-bit dither and pixel art: pixels that must stay pixels."""
    kind = r.choice(["modules", "modules", "dither", "sprite", "sprite"])
    n = r.choice([25, 33, 41, 64, 80, 106, 160]) if kind != "dither" else r.choice([107, 160, 320])
    module = SIZE / n if kind == "sprite" and r.random() < 0.3 else max(1, SIZE // n)
    colours = [r.choice(["#fff", "#fff", colour(r, 150, 255)]), r.choice(["#000", "#000", colour(r, 0, 120)])] + [colour(r) for _ in range(4)]
    script = f"""
      const n={n},m={module},c={colours!r};let s={r.randint(1, 10**9)};
      const rnd=()=>(s=(s*1103515245+12345)%2147483648)/2147483648;
      const k=document.createElement('canvas');k.width=k.height=n;const g=k.getContext('2d');
      const f={r.uniform(0.02, 0.2)},q=rnd()*9;
      const bayer=[0,8,2,10,12,4,14,6,3,11,1,9,15,7,13,5];
      for(let y=0;y<n;y++)for(let x=0;x<n;x++){{
        const v=.5+.5*Math.sin(x*f+q)*Math.cos(y*f*1.3-q);
        g.fillStyle='{kind}'=='modules'?c[rnd()<.5?0:1]:'{kind}'=='dither'?c[v>(bayer[y%4*4+x%4]+.5)/16?0:1]:c[Math.floor((v*.85+rnd()*.15)*5.99)];
        g.fillRect(x,y,1,1)}}
      k.style.cssText=`width:${{n*m}}px;height:${{n*m}}px;image-rendering:pixelated;display:block`;
      document.currentScript.parentNode.appendChild(k)"""
    return f"<div style='height:100%;background:{colours[0]};overflow:hidden'><script>{{{script}}}</script></div>"


def poster(r, stock):
    """Type and shapes over a photograph."""
    if not stock.photos:
        return shapes(r, stock)
    photo = Path(r.choice(stock.photos)).resolve().as_uri()
    parts = [f"<img src='{photo}' style='position:absolute;left:{-r.randint(0, 200)}px;top:{-r.randint(0, 120)}px;width:{r.randint(560, 900)}px;filter:{r.choice(['none', 'brightness(.6)', 'contrast(1.2)'])}'>"]
    for _ in range(r.randint(2, 6)):
        parts.append(f"<div style=\"position:absolute;left:{r.randint(0, 160)}px;top:{r.randint(0, 290)}px;color:{r.choice(['#fff', '#fff', '#000', colour(r)])};text-shadow:{r.choice(['none', 'none', '0 1px 3px #000'])};white-space:nowrap;{type_style(r, stock, r.uniform(7, 54))}\">{sentence(r, r.randint(1, 6))}</div>")
    return f"<div style='position:relative;height:100%;overflow:hidden'>{''.join(parts)}</div>"


KINDS = [
    (article, 16), (tiny_text, 12), (scripts, 5), (interface, 14), (table, 7), (code, 8), (chart, 9), (icons, 10), (line_art, 8),
    (shapes, 7), (logos, 6), (patterns, 5), (poster, 6),
]
