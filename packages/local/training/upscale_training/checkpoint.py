"""What is kept of a training: the model, its moving average, the optimiser and a record."""

from pathlib import Path

import numpy as np
import torch

from . import reference
from .model import Upscaler


def load_average(path: Path) -> tuple[Upscaler, dict]:
    """The model a checkpoint stands for (the average of its weights), and its record."""
    saved = torch.load(path, map_location="cpu")
    record = saved["record"]
    model = Upscaler(record["scale"], record["channels"], record["layers"], record["width"])
    model.load_state_dict(saved["average"])
    return model.eval(), record


def dequantise(layers) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The real values of a weight file's integers."""
    one = 1 << reference.ACTIVATION_BITS
    real = []
    for kernel, bias, shift in layers:
        scaled = kernel.astype(np.float32) / (1 << shift), (bias / (one << shift)).astype(np.float32)
        real.append(tuple(torch.from_numpy(values) for values in scaled))
    return real


def collapsed(path: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """One (kernel, bias) pair per layer of a checkpoint or of a weight file."""
    if path.suffix == ".bin":
        return dequantise(reference.read_weights(path)[1])
    return load_average(path)[0].collapsed()


def take_trunk(model: Upscaler, path: Path) -> None:
    """All but the last layer from a network of another scale: a checkpoint or a weight file."""
    for block, (kernel, bias) in zip(model.layers[:-1], collapsed(path)):
        block.take(kernel, bias)


def save(path: Path, model, average, optimiser, record: dict) -> None:
    state = {"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "record": record}
    beside = path.with_suffix(".new")
    torch.save(state, beside)
    beside.replace(path)
