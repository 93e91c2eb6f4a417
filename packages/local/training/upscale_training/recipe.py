"""The whole recipe: render the data, train every model, export, measure. Run again, it goes on.

    python3 -m upscale_training.recipe --cache DIR [--photos DIR] [--icons DIR] [--out DIR] [--preset cpu|quality|gpu|toy]
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import pack, photos, small_checkpoint, train
from .checkpoint import load_average
from .evaluate import evaluate
from .export import calibration_pictures, check, export
from .render import render

VALIDATION_SEED = 1000
# Photographs end with the error that PSNR is made of; pages lose by it.
SQUARED_END = ["--squared-from", "0.4"]


@dataclass
class Job:
    """One model: its expert and scale, how long it trains, and the model it starts from.

    Where that is of the same scale it starts from all of its layers, otherwise from all but the last. `teacher` is a
    model of the same scale to learn from.
    """

    expert: str
    scale: int
    length: list
    start: str | None = None
    teacher: str | None = None


@dataclass
class Preset:
    pages: int
    validation_pages: int
    scales: tuple
    common: list
    jobs: list
    cells: int


def jobs(lengths: dict[str, str], unit: str) -> list[Job]:
    """The networks in order: design from nothing, the other experts from it, each scale from the one before."""
    found = []
    for title, length in lengths.items():
        expert, scale = title.split("-x")
        start = teacher = None
        if scale != "2":
            start = f"{expert}-x2"
        elif expert in ("photo", "compressed"):
            start = "design-x2"
        if expert == "fast":
            teacher = f"design-x{scale}"
        end = SQUARED_END if expert == "photo" else []
        found.append(Job(expert, int(scale), [unit, length, *end], start, teacher))
    return found


PRESETS = {
    # For two cores: about seven hours.
    "cpu": Preset(
        240, 16, (1, 2, 3, 4),
        ["--steps", "400000", "--half-until", "0.85", "--threads", "2", "--batch", "9", "--patch", "64", "--rate", "1e-3"],
        jobs({
            "design-x2": "97", "photo-x2": "60", "compressed-x2": "60", "fast-x2": "25",
            "design-x3": "25", "design-x4": "30", "photo-x3": "20", "photo-x4": "20",
            "compressed-x3": "20", "compressed-x4": "20", "fast-x3": "12", "fast-x4": "12",
        }, "--minutes"),
        40,
    ),
    # The network for single pictures, on two cores: a night, and better on a GPU.
    "quality": Preset(
        240, 16, (1, 2, 3, 4), ["--steps", "400000", "--half-until", "0.85", "--threads", "2", "--batch", "9", "--patch", "64"],
        jobs({"quality-x2": "480"}, "--minutes"), 40,
    ),
    # For one large GPU and some sixteen cores.
    "gpu": Preset(
        2000, 48, (1, 2, 3, 4),
        ["--device", "cuda", "--batch", "64", "--patch", "64", "--width", "128", "--workers", "14", "--rate", "1e-3", "--half-until", "0.7"],
        jobs({
            "design-x2": "200000", "photo-x2": "150000", "compressed-x2": "150000", "fast-x2": "150000", "quality-x2": "200000",
            "design-x3": "80000", "design-x4": "80000", "photo-x3": "60000", "photo-x4": "60000",
            "compressed-x3": "60000", "compressed-x4": "60000", "fast-x3": "60000", "fast-x4": "60000",
        }, "--steps"),
        80,
    ),
    # Proves that every part runs; the weights are useless.
    "toy": Preset(
        2, 1, (1, 2, 4), ["--steps", "12", "--batch", "2", "--patch", "24", "--workers", "0", "--report", "4"],
        [Job("design", 2, []), Job("fast", 2, [], teacher="design-x2"), Job("fast", 4, [], "fast-x2")],
        2,
    ),
}


def data(o: argparse.Namespace, preset: Preset) -> None:
    if o.pack:
        if not (o.cache / "pages-1x.npy").exists():
            pack.unpack(o.pack, o.cache)
        return
    if o.photos:
        photos.prepare(o.photos, o.cache)
    posters = o.cache / "photos" if o.photos else None
    scales = list(preset.scales)
    render(o.cache, preset.pages, scales, o.seed, o.icons, posters, chromium=o.chromium)
    render(o.cache, preset.validation_pages, scales, VALIDATION_SEED, o.icons, posters, prefix="valid", chromium=o.chromium)


def trained(o: argparse.Namespace, title: str) -> Path:
    """The checkpoint of a model of this run, or else the weights that stand."""
    checkpoint = o.cache / "runs" / f"{title}.pt"
    return checkpoint if checkpoint.exists() else o.out / f"{title}.bin"


def train_job(o: argparse.Namespace, preset: Preset, job: Job) -> Path:
    title = f"{job.expert}-x{job.scale}"
    runs = o.cache / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    checkpoint = runs / f"{title}.pt"
    small = o.resume / f"{title}.npz" if o.resume else None
    if small and small.exists() and not checkpoint.exists():
        small_checkpoint.grow(small, checkpoint)
    arguments = [
        "--name", job.expert, "--scale", str(job.scale), "--cache", str(o.cache), "--seed", str(o.seed),
        "--checkpoint", str(checkpoint), "--log", str(runs / f"{title}.log"), *preset.common, *job.length,
    ]
    if job.start:
        whole = job.start.endswith(f"-x{job.scale}")
        arguments += ["--start" if whole else "--trunk", str(trained(o, job.start)), "--width", "0"]
    if job.teacher:
        arguments += ["--teacher", str(trained(o, job.teacher))]
    train.train(train.parser().parse_args(arguments))
    return checkpoint


def main() -> None:
    here = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("/var/tmp/upscale-training"))
    parser.add_argument("--photos", type=Path, help="folder of JPEG photographs of a clean licence")
    parser.add_argument("--pack", type=Path, help="archive of `pack` to take pages and photographs from instead of making them")
    parser.add_argument("--resume", type=Path, help="folder of small checkpoints to go on from")
    parser.add_argument("--only", nargs="+", help="titles of the networks to train, such as photo-x2; default all")
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
        if o.only and f"{job.expert}-x{job.scale}" not in o.only:
            continue
        checkpoint = train_job(o, preset, job)
        model, record = load_average(checkpoint)
        weights = export(model, job.expert, o.out)
        shutil.copy(checkpoint.with_suffix(".log"), o.out / f"{weights.stem}.log")
        validation = o.photos / "valid" if o.photos else None
        print(json.dumps(record), check(model, weights, calibration_pictures()))
        print(evaluate(weights, o.cache, validation, o.bench, preset.cells, exact=False), flush=True)


if __name__ == "__main__":
    main()
