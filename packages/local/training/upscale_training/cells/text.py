"""Running text, tiny text, other scripts, tables and code."""

from ..fonts import OTHER_SCRIPTS
from .common import SIZE, palette, sentence, tag, text_size, type_style
from .words import KEYWORDS, WORDS

CODE_ENDS = ["()", " =", ";", " =&gt; {", "[0]", ".", " !==", "&lt;T&gt;", "}", " &amp;&amp;"]


def article(r, stock):
    background, ink, accent = palette(r)
    parts, height = [], 0
    while height < SIZE:
        size = text_size(r)
        count = max(2, min(60, int(900 / size)))
        tint = ink if r.random() < 0.8 else accent
        style = f"margin:{r.randint(1, 8)}px 0;color:{tint};{type_style(r, stock, size)}"
        parts.append(tag(style, sentence(r, count), "p"))
        height += size * 1.5 * max(1, count * size * 3 / SIZE)
    return tag(f"background:{background};padding:{r.randint(2, 12)}px;height:100%", "".join(parts))


def tiny_text(r, stock):
    background, ink, _ = palette(r)
    columns = r.choice([1, 2, 3])
    blocks = "".join(
        tag(f"margin:2px 0;{type_style(r, stock, round(r.uniform(4.5, 8), 1))}", sentence(r, r.randint(8, 30)), "p") for _ in range(30)
    )
    layout = f"columns:{columns};column-gap:6px;column-fill:auto"
    return tag(f"background:{background};color:{ink};padding:4px;height:100%;{layout}", blocks)


def scripts(r, stock):
    background, ink, _ = palette(r)
    parts = []
    for _ in range(14):
        language = r.choice(list(OTHER_SCRIPTS))
        family = r.choice(stock.scripts[language] or stock.latin)
        words = OTHER_SCRIPTS[language].split(" ")
        text = " ".join(r.choice(words) for _ in range(10))
        line = tag(f"margin:3px 0;font-family:'{family}';font-size:{text_size(r)}px", text, "p")
        parts.append(f"<div lang={language}>{line}</div>")
    return tag(f"background:{background};color:{ink};padding:5px;height:100%", "".join(parts))


def table(r, stock):
    background, ink, accent = palette(r)
    columns = r.randint(3, 7)
    line = r.choice([f"1px solid {accent}", "1px solid rgba(128,128,128,.4)", "1px solid #888", "none"])
    stripe = r.choice(["transparent", "rgba(128,128,128,.12)"])

    def cell():
        style = f"border:{line};padding:{r.choice([1, 2, 4])}px 4px;text-align:{r.choice(['left', 'right'])}"
        return tag(style, sentence(r, r.choice([1, 1, 2])), "td")

    rows = "".join(
        tag(f"background:{stripe if y % 2 else 'transparent'}", "".join(cell() for _ in range(columns)), "tr") for y in range(24)
    )
    style = type_style(r, stock, r.choice([6, 7, 8, 9, 10, 11, 12]))
    return tag(f"background:{background};color:{ink};height:100%", tag(f"border-collapse:collapse;width:100%;{style}", rows, "table"))


def code(r, stock):
    background, ink, _ = palette(r)
    tints = [f"hsl({r.randint(0, 359)},70%,{r.randint(35, 70)}%)" for _ in range(4)]
    lines = []
    for number in range(40):
        words = []
        for _ in range(r.randint(1, 9)):
            kind = r.random()
            if kind < 0.3:
                words.append(tag(f"color:{tints[0]}", r.choice(KEYWORDS), "b"))
            elif kind < 0.5:
                words.append(tag(f"color:{tints[1]}", f"&quot;{r.choice(WORDS)}&quot;", "span"))
            elif kind < 0.65:
                words.append(tag(f"color:{tints[2]}", str(r.randint(0, 5000)), "span"))
            else:
                words.append(r.choice(WORDS) + r.choice(CODE_ENDS))
        lines.append(tag("opacity:.4", f"{number + 1:3d} ", "span") + "  " * r.randint(0, 4) + " ".join(words))
    style = type_style(r, stock, r.choice([6, 7, 8, 9, 10, 11, 12, 13, 14]), mono=True)
    return tag(f"margin:0;padding:6px;height:100%;background:{background};color:{ink};{style}", "\n".join(lines), "pre")
