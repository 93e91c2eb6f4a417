"""Trains one model. Seeded; writes a checkpoint every few minutes and goes on from it when run again."""

import argparse
import json
import math
import time
from itertools import islice
from pathlib import Path

import torch
from torch.utils.data import DataLoader, IterableDataset

from . import checkpoint
from .anchor import enlarge
from .dataset import Pages, Sampler
from .experts import EXPERTS
from .head import fit_last_layer
from .losses import charbonnier, loss, squared
from .model import Upscaler, run_collapsed
from .photos import Photos

WARM_UP = 300
EMA = 0.999
# Of the loss, where there is a teacher.
TEACHER_SHARE = 0.5


class Teacher:
    """A trained network of the same scale whose results are learned from beside the truth."""

    def __init__(self, path: Path, scale: int, device: torch.device):
        self.layers = [(k.to(device), b.to(device)) for k, b in checkpoint.collapsed(path)]
        self.scale, self.halo = scale, len(self.layers)

    @torch.no_grad()
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Its enlargement of the interior of x, which carries this network's halo."""
        return enlarge(x, self.scale, self.halo) + run_collapsed(self.layers, x, self.scale).float()


class Stream(IterableDataset):
    def __init__(self, options, halo: int, first_step: int):
        self.options, self.halo, self.first_step = options, halo, first_step

    def __iter__(self):
        o = self.options
        expert, photos = EXPERTS[o.name], Photos(o.cache)
        pages = Pages(o.cache, o.scale) if expert.photo_share < 1 or not len(photos) else None
        worker = torch.utils.data.get_worker_info()
        # After a resume the stream goes on with other crops, not with the first ones again.
        seed = [o.seed, o.scale, self.first_step + 1, worker.id if worker else 0]
        sampler = Sampler(expert, pages, photos, o.scale, o.patch, self.halo, seed)
        while True:
            small, large = sampler.batch(o.batch)
            yield tuple(torch.from_numpy(a.copy()).permute(0, 3, 1, 2) for a in (small, large))


def rate(progress: float, step: int, peak: float) -> float:
    """Warm-up, then a cosine down to a hundredth."""
    return peak * min(1, (step + 1) / WARM_UP) * (0.01 + 0.99 * (1 + math.cos(math.pi * min(progress, 1))) / 2)


def average_into(average: Upscaler, model: Upscaler, step: int) -> None:
    keep = min(EMA, (step + 1) / (step + 10))
    with torch.no_grad():
        for a, b in zip(average.parameters(), model.parameters()):
            a.lerp_(b, 1 - keep)


def train(o: argparse.Namespace) -> None:
    torch.manual_seed(o.seed)
    if o.threads:
        torch.set_num_threads(o.threads)
    expert = EXPERTS[o.name]
    channels, layers = expert.channels, expert.layers
    device = torch.device(o.device)
    model = Upscaler(o.scale, channels, layers, o.width)
    average = Upscaler(o.scale, channels, layers, o.width).to(device)
    fresh = not o.checkpoint.exists()
    if fresh and o.start:
        model.take(checkpoint.collapsed(o.start))
    elif fresh and o.trunk:
        checkpoint.take_trunk(model, o.trunk)
        fit_last_layer(model, islice(Stream(o, model.halo, -1), o.head_batches))
    model.to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=o.rate, betas=(0.9, 0.99))
    step, spent = 0, 0.0

    if fresh:
        average.load_state_dict(model.state_dict())
    else:
        saved = torch.load(o.checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["record"]["step"], saved["record"]["seconds"]

    o.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    log = open(o.log, "a", buffering=1)
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(o).items()}
    shown = {k: v for k, v in settings.items() if k not in ("cache", "checkpoint", "log", "trunk", "start", "teacher")}
    print(f"start step={step} {json.dumps(shown)}", file=log)

    teacher = Teacher(o.teacher, o.scale, device) if o.teacher else None
    # Crops carry the halo of the deeper of the two; the shallower leaves the rest of it unread.
    spare = max(0, teacher.halo - model.halo) if teacher else 0
    stream = DataLoader(Stream(o, model.halo + spare, step), batch_size=None, num_workers=o.workers, prefetch_factor=8 if o.workers else 2)
    started, last_report, last_save, running = time.time() - spent, step, time.time(), 0.0

    def save():
        record = {
            "name": o.name, "scale": o.scale, "channels": channels, "layers": layers, "width": o.width,
            "seed": o.seed, "step": step, "seconds": time.time() - started,
        }
        checkpoint.save(o.checkpoint, model, average, optimiser, record)

    def progress() -> float:
        done = step / o.steps
        return max(done, (time.time() - started) / 60 / o.minutes) if o.minutes else done

    if fresh:
        save()
    source = iter(stream)
    while progress() < 1:
        small, large = (t.to(device, non_blocking=True) for t in next(source))
        x = (small.float() / 255).contiguous(memory_format=torch.channels_last)
        truth = large.float() / 255
        lr = rate(progress(), step, o.rate)
        for group in optimiser.param_groups:
            group["lr"] = lr
        # bfloat16 doubles the speed; the last part runs in full precision to settle the small errors.
        half = bool(o.half) and progress() < o.half_until
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            taught = teacher(x) if teacher else None
            if spare:
                x = x[..., spare:-spare, spare:-spare].contiguous(memory_format=torch.channels_last)
            residual = model(x)
        predicted = enlarge(x, o.scale, model.halo) + residual.float()
        measure = squared if progress() >= o.squared_from else charbonnier
        value = loss(predicted, truth, o.scale, expert.edges, measure, o.luma_share)
        if teacher:
            value = (1 - TEACHER_SHARE) * value + TEACHER_SHARE * loss(predicted, taught, o.scale, expert.edges, measure, o.luma_share)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average_into(average, model, step)
        running += value.item()
        step += 1
        if step % o.report == 0:
            print(f"step={step} seconds={time.time() - started:.0f} rate={lr:.2e} loss={running / (step - last_report):.5f}", file=log)
            running, last_report = 0.0, step
        if time.time() - last_save > o.save_every:
            save()
            last_save = time.time()
    save()
    print(f"end step={step} seconds={time.time() - started:.0f}", file=log)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--name", choices=EXPERTS, default="design")
    p.add_argument("--scale", type=int, choices=(2, 3, 4), default=2)
    p.add_argument("--cache", type=Path, required=True, help="folder with the rendered pages and the reduced photographs")
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--log", type=Path, required=True)
    p.add_argument("--start", type=Path, help="checkpoint or weight file of the same size and scale to start from")
    p.add_argument("--trunk", type=Path, help="checkpoint or weight file of the same size whose layers, but the last, to start from")
    p.add_argument("--teacher", type=Path, help="checkpoint or weight file of the same scale, at least as deep, to learn from beside the truth")
    p.add_argument("--head-batches", type=int, default=24, help="batches to fit the last layer by after taking a trunk")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", type=int, default=30000)
    p.add_argument("--minutes", type=float, help="end after this time of training if the steps take longer; the rate follows")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--patch", type=int, default=48, help="side of the supervised part, in input pixels")
    p.add_argument("--width", type=int, default=64, help="inner width of the collapsible blocks; 0 for plain convolutions")
    p.add_argument("--rate", type=float, default=1.5e-3)
    p.add_argument("--device", default="cpu")
    p.add_argument("--half", type=int, default=1, help="bfloat16 convolutions")
    p.add_argument("--half-until", type=float, default=0.8)
    p.add_argument("--squared-from", type=float, default=1, help="from this part of the training on the loss is the squared error")
    p.add_argument("--luma-share", type=float, default=0, help="of the loss, what the luminance alone makes up")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--report", type=int, default=500)
    p.add_argument("--save-every", type=float, default=120, help="seconds")
    return p


if __name__ == "__main__":
    train(parser().parse_args())
