"""Buttons, toggles, fields, bars, boxes, badges and cards of one theme."""

from .common import colour, palette, sentence, tag, type_style


def interface(r, stock):
    background, ink, accent = palette(r)
    font = type_style(r, stock, r.choice([10, 11, 12, 13, 14, 15]))
    border = f"{r.choice([1, 1, 1, 2])}px solid {r.choice([accent, ink, 'rgba(128,128,128,.5)'])}"
    radius = r.choice([0, 2, 4, 6, 8, 12, 999])
    shadow = r.choice([
        "none",
        f"0 {r.randint(1, 4)}px {r.randint(2, 14)}px rgba(0,0,0,{r.uniform(0.1, 0.5):.2f})",
        f"0 0 0 {r.randint(1, 4)}px {colour(r)}",
    ])

    def button():
        filled = r.random() < 0.6
        look = f"background:{accent};color:{r.choice(['#fff', '#000'])}" if filled else f"border:{border}"
        room = f"padding:{r.randint(2, 8)}px {r.randint(5, 16)}px;margin:4px"
        style = f"display:inline-block;{room};border-radius:{radius}px;box-shadow:{shadow};{look}"
        return tag(style, sentence(r, r.randint(1, 2)), "span")

    def toggle():
        track = f"width:32px;height:18px;border-radius:9px;background:{r.choice([accent, '#999'])}"
        knob = f"position:absolute;width:14px;height:14px;border-radius:7px;background:#fff;top:2px;{r.choice(['left', 'right'])}:2px"
        return tag(f"display:inline-block;{track};margin:4px;position:relative;vertical-align:middle", tag(knob, name="i"), "span")

    def field():
        shape = f"border:{border};border-radius:{min(radius, 10)}px;padding:5px 8px;margin:4px"
        return tag(f"{shape};width:{r.randint(90, 260)}px;opacity:{r.choice([1, 1, 0.6])}", sentence(r, 2))

    def bar():
        track = f"height:{r.randint(2, 10)}px;margin:6px 4px;border-radius:5px;background:rgba(128,128,128,.25)"
        return tag(track, tag(f"height:100%;border-radius:5px;width:{r.randint(5, 98)}%;background:{accent}"))

    def boxes():
        return "".join(
            f"<input type={r.choice(['checkbox', 'radio'])} {r.choice(['checked', ''])} style='accent-color:{accent}'>" for _ in range(4)
        )

    def badge():
        shape = f"font-size:{r.choice([8, 9, 10])}px;padding:1px 6px;border-radius:9px"
        return tag(f"display:inline-block;{shape};background:{colour(r)};color:#fff;margin:3px", sentence(r, 1), "span")

    def card():
        shape = f"border-radius:{min(radius, 12)}px;box-shadow:{shadow};border:{border};padding:8px;margin:6px"
        style = f"display:inline-block;vertical-align:top;{shape};width:{r.randint(90, 200)}px"
        title = tag("", sentence(r, 2), "b")
        return tag(style, title + tag(f"font-size:{r.choice([8, 9, 10])}px;opacity:.7", sentence(r, 12)))

    pieces = [r.choice([button, button, toggle, field, bar, boxes, badge, card])() for _ in range(22)]
    return tag(f"background:{background};color:{ink};padding:6px;height:100%;{font}", "".join(pieces))
