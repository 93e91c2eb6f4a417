"""The fonts to train on: every installed family but those kept for the tests."""

import subprocess

KEPT_FOR_TESTS = (
    "Cabin", "EB Garamond", "JetBrains Mono", "Lato", "Comfortaa", "Lobster Two", "Quattrocento", "Carlito", "Cantarell",
)
# Families of these kinds draw signs instead of letters.
NOT_FOR_TEXT = ("Emoji", "Dingbats", "Symbol", "D050000L", "Math", "Keyboard", "Music", "Notdef", "Nastaliq")
OTHER_SCRIPTS = {
    "ru": "Привет, мир. Быстрая лиса и ёж, объявление № 7",
    "el": "Καλημέρα κόσμε, η γρήγορη αλεπού",
    "ja": "日本語の文字と漢字、東京駅の案内",
    "ar": "مرحبا بالعالم نص صغير",
    "hi": "नमस्ते दुनिया छोटा पाठ",
}


def families(language: str) -> list[str]:
    listing = subprocess.run(["fc-list", f":lang={language}", "family"], capture_output=True, text=True, check=True)
    names = sorted({line.split(",")[0].strip() for line in listing.stdout.splitlines() if line.strip()})
    kept = tuple(name.lower() for name in KEPT_FOR_TESTS)
    return [
        name for name in names
        if not name.lower().startswith(kept) and not any(word in name for word in NOT_FOR_TEXT)
    ]


def latin_families() -> list[str]:
    """Latin families; Noto's many script-specific ones share their Latin, so a few stand for all."""
    noto = {"Noto Sans", "Noto Serif", "Noto Sans Mono", "Noto Sans Display", "Noto Serif Display", "Noto Mono"}
    return [name for name in families("en") if not name.startswith("Noto") or name in noto]


def monospaced(names: list[str]) -> list[str]:
    return [n for n in names if any(w in n for w in ("Mono", "Code", "Courier", "Cousine", "Hack", "Inconsolata", "Typewriter"))]
