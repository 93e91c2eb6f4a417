"""Borders, rules and grids of whole CSS pixels: light on light, dark on dark, any colour on any other.

A browser draws such a line on whole device pixels at every scale, so a line of two pixels of a light grey is just
that, and not a darker one of one pixel between two rows.
"""

from .common import SIZE, sentence, tag, type_style

# Lightness of the steps of a design system's colours, 50 to 950.
LADDER = (98, 95, 91, 83, 70, 60, 52, 44, 35, 27, 15)
WIDTHS = (1, 1, 1, 2, 2, 2, 3, 4)


def step(r, lightness: int | None = None) -> str:
    """One colour of the kind that palettes are made of: a hue, or a grey with a touch of one, at a step of the ladder."""
    saturation = r.choice([0, 5, 10, 20, 70, 85, 95])
    return f"hsl({r.randint(0, 359)},{saturation}%,{lightness or r.choice(LADDER)}%)"


def ground(r) -> str:
    """White and near-white in half of the cases, near-black in a fifth."""
    kind = r.random()
    if kind < 0.3:
        return "#fff"
    if kind < 0.5:
        return step(r, r.choice([98, 96]))
    if kind < 0.7:
        return step(r, r.choice([8, 12, 16]))
    return step(r)


def line_colour(r, light: bool) -> str:
    """Half of the lines are faint, as the borders of cards and tables are."""
    if r.random() < 0.5:
        return step(r, r.choice([94, 91, 88, 83]) if light else r.choice([20, 25, 30, 36]))
    return step(r)


def box(r, colour) -> str:
    width = r.choice(WIDTHS)
    sides = f"border:{width}px {r.choice(['solid'] * 8 + ['dashed', 'dotted'])} {colour()}"
    if r.random() < 0.25:
        sides = ";".join(f"border-{side}:{r.choice(WIDTHS)}px solid {colour()}" for side in ("top", "right", "bottom", "left"))
    if r.random() < 0.15:
        sides = f"box-shadow:0 0 0 {width}px {colour()}"
    shape = f"width:{r.randint(8, 130)}px;height:{r.randint(6, 60)}px;margin:{r.randint(1, 6)}px;border-radius:{r.choice([0, 0, 0, 2, 4, 6, 8, 12, 999])}px"
    fill = f"background:{ground(r)}" if r.random() < 0.4 else ""
    inside = sentence(r, 2) if r.random() < 0.3 else ""
    return tag(f"display:inline-block;vertical-align:top;overflow:hidden;{shape};{sides};{fill}", inside)


def rules(r, colour) -> str:
    return "".join(tag(f"height:{r.choice(WIDTHS)}px;margin:{r.randint(1, 9)}px 0;background:{colour()}") for _ in range(r.randint(2, 8)))


def columns(r, colour) -> str:
    parts = "".join(tag(f"width:{r.choice(WIDTHS)}px;margin:0 {r.randint(1, 14)}px;background:{colour()}") for _ in range(r.randint(6, 24)))
    return tag(f"display:flex;height:{r.randint(20, 70)}px", parts)


def grid(r, colour) -> str:
    width, tint = r.choice(WIDTHS), colour()
    cell = tag(f"border:{width}px solid {tint};height:{r.randint(5, 22)}px;padding:0 3px", sentence(r, 1) if r.random() < 0.5 else "", "td")
    rows = "<tr>" + cell * r.randint(3, 12) + "</tr>"
    return tag("border-collapse:collapse;margin:3px", rows * r.randint(2, 5), "table")


def frames(r, colour) -> str:
    """Boxes in boxes, closer and closer."""
    inside = ""
    for _ in range(r.randint(3, 8)):
        inside = tag(f"border:{r.choice(WIDTHS)}px solid {colour()};padding:{r.randint(1, 5)}px", inside)
    return tag("display:inline-block;margin:3px", inside)


def borders(r, stock):
    background = ground(r)
    light = background == "#fff" or any(f",{n}%)" in background for n in (98, 96, 95, 91, 83))
    # One family of lines in most boxes, as one page has it.
    tints = [line_colour(r, light) for _ in range(r.choice([1, 2, 5]))]
    parts = [r.choice([box, box, box, rules, columns, grid, frames])(r, lambda: r.choice(tints)) for _ in range(18)]
    style = type_style(r, stock, r.choice([7, 8, 9, 10, 12]))
    return tag(f"height:{SIZE}px;background:{background};color:{step(r)};padding:{r.randint(0, 6)}px;{style}", "".join(parts))
