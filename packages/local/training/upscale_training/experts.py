"""The experts: networks of one kind that differ in what they are trained on."""

from dataclasses import dataclass

# How inputs are made smaller: a site's pictures come from every kind of tool.
MIXED = (("box", 0.40), ("bicubic", 0.34), ("lanczos", 0.14), ("plain-bilinear", 0.04), ("linear-light", 0.08))
CLEAN = (("bicubic", 0.50), ("lanczos", 0.20), ("box", 0.20), ("linear-light", 0.10))


@dataclass(frozen=True)
class Expert:
    """Shape of the network and make-up of its batches.

    `photo_share` of the crops are photographs, the others come from pages, `native_share` of those with the
    browser's 1x rendering as input. `damage` names a rule of `degrade.DAMAGES`; `undamaged` of the page crops
    never see it. `edges` adds the terms of the loss that keep type and lines in shape.
    """

    channels: int = 32
    layers: int = 10
    photo_share: float = 0.15
    native_share: float = 0.62
    reductions: tuple = MIXED
    damage: str = "light"
    undamaged: float = 0.25
    edges: bool = True


EXPERTS = {
    # Pages, interfaces, logos, type.
    "design": Expert(),
    # Photographs that keep what the camera and the reduction left.
    "photo": Expert(photo_share=1.0, reductions=CLEAN, damage="none", edges=False),
    # JPEG, WebP and noise, photographs and screens alike.
    "compressed": Expert(photo_share=0.5, damage="heavy", undamaged=0.0, edges=False),
    # A sixth of the time of `design`, for drafts and development.
    "fast": Expert(channels=16, layers=6),
    # For single pictures that may take seconds.
    "quality": Expert(channels=48, layers=12, photo_share=0.6, damage="none", edges=False),
}
