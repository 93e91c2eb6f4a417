"""The whole recipe: render the data, train every model, export, measure. Run again, it goes on.

    python3 -m upscale_training.recipe --cache DIR [--photos DIR] [--icons DIR] [--out DIR] [--preset cpu|gpu|toy]
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import photos, train
from .checkpoint import load_average
from .evaluate import evaluate
from .export import calibration_pictures, check, export
from .render import render

VALIDATION_SEED = 1000


@dataclass
class Job:
    """One model: its size and scale, how long it trains, and the model whose trunk it starts from."""

    name: str
    scale: int
    length: list
    trunk: str | None = None


@dataclass
class Preset:
    pages: int
    validation_pages: int
    scales: tuple
    common: list
    jobs: list
    cells: int


PRESETS = {
    # For two cores: about three hours. The committed weights had less; see their README.
    "cpu": Preset(
        320, 24, (1, 2, 3, 4), ["--steps", "200000", "--half-until", "0.85", "--threads", "2"],
        [
            Job("design", 2, ["--minutes", "97"]),
            Job("design", 4, ["--minutes", "30"], "design-x2"),
            Job("design", 3, ["--minutes", "23"], "design-x2"),
            Job("fast", 2, ["--minutes", "19"]),
            Job("fast", 4, ["--minutes", "11"], "fast-x2"),
            Job("fast", 3, ["--minutes", "10"], "fast-x2"),
        ],
        40,
    ),
    # For one large GPU and some sixteen cores: about two hours, most of it design-x2.
    "gpu": Preset(
        2000, 48, (1, 2, 3, 4),
        ["--device", "cuda", "--batch", "64", "--patch", "64", "--width", "128", "--workers", "14", "--rate", "1e-3", "--half-until", "0.7"],
        [
            Job("design", 2, ["--steps", "200000"]),
            Job("design", 4, ["--steps", "120000"], "design-x2"),
            Job("design", 3, ["--steps", "100000"], "design-x2"),
            Job("fast", 2, ["--steps", "150000"]),
            Job("fast", 4, ["--steps", "80000"], "fast-x2"),
            Job("fast", 3, ["--steps", "80000"], "fast-x2"),
        ],
        80,
    ),
    # Proves that every part runs; the weights are useless.
    "toy": Preset(
        2, 1, (1, 2, 4), ["--steps", "12", "--batch", "2", "--patch", "24", "--workers", "0", "--report", "4", "--width", "64"],
        [Job("fast", 2, []), Job("fast", 4, [], "fast-x2")],
        2,
    ),
}


def data(o: argparse.Namespace, preset: Preset) -> None:
    if o.photos:
        photos.prepare(o.photos, o.cache)
    posters = o.cache / "photos" if o.photos else None
    scales = list(preset.scales)
    render(o.cache, preset.pages, scales, o.seed, o.icons, posters, chromium=o.chromium)
    render(o.cache, preset.validation_pages, scales, VALIDATION_SEED, o.icons, posters, prefix="valid", chromium=o.chromium)


def train_job(o: argparse.Namespace, preset: Preset, job: Job) -> Path:
    title = f"{job.name}-x{job.scale}"
    runs = o.cache / "runs"
    arguments = [
        "--name", job.name, "--scale", str(job.scale), "--cache", str(o.cache), "--seed", str(o.seed),
        "--checkpoint", str(runs / f"{title}.pt"), "--log", str(runs / f"{title}.log"), *preset.common, *job.length,
    ]
    if job.trunk:
        arguments += ["--trunk", str(runs / f"{job.trunk}.pt")]
    runs.mkdir(parents=True, exist_ok=True)
    train.train(train.parser().parse_args(arguments))
    return runs / f"{title}.pt"


def main() -> None:
    here = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("/var/tmp/upscale-training"))
    parser.add_argument("--photos", type=Path, help="folder of JPEG photographs of a clean licence")
    parser.add_argument("--icons", type=Path, help="folder searched for SVG icons")
    parser.add_argument("--out", type=Path, default=here.parent / "weights")
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--bench", type=Path, help="folder of public test sets, measured for information")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chromium", default="chromium")
    o = parser.parse_args()
    preset = PRESETS[o.preset]
    data(o, preset)
    for job in preset.jobs:
        checkpoint = train_job(o, preset, job)
        model, record = load_average(checkpoint)
        weights = export(model, job.name, o.out)
        shutil.copy(checkpoint.with_suffix(".log"), o.out / f"{weights.stem}.log")
        validation = o.photos / "valid" if o.photos else None
        print(json.dumps(record), check(model, weights, calibration_pictures()))
        print(evaluate(weights, o.cache, validation, o.bench, preset.cells, exact=False), flush=True)


if __name__ == "__main__":
    main()
