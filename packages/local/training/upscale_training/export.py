"""Collapse, quantise and write a model, with its golden vectors."""

import argparse
import itertools
import json
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import reference
from .anchor import enlarge_integer
from .checkpoint import collapsed, load_average
from .experts import EXPERTS
from .model import Upscaler, run_collapsed

MAX_SHIFT = 14
# Of the 8.0 that int16 activations can hold; the rest is room for pictures not calibrated on.
PEAK_LIMITS = (4.0, 5.5)
# Quiet channels are turned up by no more than this, so that the weights that read them fit finer steps.
LARGEST_GAINS = (2.0, 4.0, 8.0)
# In levels of 8 bits; half a level is the rounding to bytes.
MAX_DIFFERENCE = 3.0


def quantise_layer(kernel: np.ndarray, bias: np.ndarray):
    """The finest shift at which no weight clips and no int32 sum can overflow.

    The bound holds for any input: samples are 0..32767 after ReLU, so a sum lies between the
    sum of the negative weights and the sum of the positive ones, times 32767.
    """
    for shift in range(MAX_SHIFT, 0, -1):
        w = np.rint(kernel.astype(np.float64) * (1 << shift)).astype(np.int64)
        b = np.rint(bias.astype(np.float64) * (1 << (reference.ACTIVATION_BITS + shift))).astype(np.int64)
        positive = np.where(w > 0, w, 0).sum(axis=(1, 2, 3))
        negative = np.where(w < 0, -w, 0).sum(axis=(1, 2, 3))
        reach = np.maximum(positive, negative) * reference.ACTIVATION_MAX + np.abs(b) + (1 << (shift - 1))
        # The runner's Winograd form multiplies by these, and doubles its sums; src/pack.ts has the same rules.
        first, _, third = np.moveaxis(w, 3, 0)
        across = w.sum(axis=3)
        products = [w, 2 * first, across, across - 2 * w[..., 1], 2 * third]
        if max(np.abs(p).max() for p in products) <= 32767 and reach.max() < 2**30:
            return w.astype("<i2"), b.astype("<i4"), shift
    raise ValueError("weights too large for int16 arithmetic")


def activation_peaks(layers, pictures) -> list[torch.Tensor]:
    """The largest value of each hidden channel, layer by layer, over some pictures."""
    peaks = [torch.zeros(len(bias)) for _, bias in layers[:-1]]
    halo = len(layers)
    for picture in pictures:
        padded = np.pad(picture, ((halo, halo), (halo, halo), (0, 0)), mode="edge")
        x = torch.from_numpy(padded.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        for index, (kernel, bias) in enumerate(layers[:-1]):
            x = F.relu(F.conv2d(x, kernel, bias))
            peaks[index] = torch.maximum(peaks[index], x.amax((0, 2, 3)))
    return peaks


def equalise(layers, pictures, peak_limit: float = PEAK_LIMITS[0], largest_gain: float = LARGEST_GAINS[0]):
    """Scale hidden channels so that each layer fits its integers, without changing the function.

    ReLU lets a positive factor pass, so what is taken from one layer is given to the next. A
    channel is turned down when its activations come near 8.0, the end of the int16 range, or
    when its weights could fill an int32 sum at a shift of 13, and up where there is room.
    """
    layers = [(k.clone(), b.clone()) for k, b in layers]
    peaks = activation_peaks(layers, pictures)
    weight_limit = 65535 / (1 << 13)
    for index in range(len(layers) - 1):
        kernel, bias = layers[index]
        reach = torch.maximum(kernel.clamp(min=0).sum((1, 2, 3)), (-kernel).clamp(min=0).sum((1, 2, 3)))
        factor = torch.minimum(0.98 * weight_limit / reach, peak_limit / peaks[index].clamp(min=1e-6)).clamp(max=largest_gain)
        layers[index] = (kernel * factor[:, None, None, None], bias * factor)
        following, following_bias = layers[index + 1]
        layers[index + 1] = (following / factor[None, :, None, None], following_bias)
    return layers


def pack(name: str, scale: int, channels: int, layers) -> bytes:
    body, described = b"", []
    for kernel, bias in layers:
        w, b, shift = quantise_layer(kernel.numpy(), bias.numpy())
        described.append({"in": w.shape[1], "out": w.shape[0], "shift": shift})
        body += w.tobytes() + b.tobytes()
    header = {
        "name": name,
        "scale": scale,
        "channels": channels,
        "anchor": "bicubic",
        "activationBits": reference.ACTIVATION_BITS,
        "layers": described,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    # Spaces bring the weights to a multiple of four bytes, so a typed array can view them.
    text += b" " * (-len(text) % 4)
    return reference.MAGIC + struct.pack("<I", len(text)) + text + body


def golden_inputs() -> dict[str, np.ndarray]:
    """Small pictures with borders, flats, extremes and odd sizes."""
    random = np.random.default_rng(20)
    y, x = np.mgrid[0:11, 0:13]
    ramp = np.stack([x * 255 // 12, y * 255 // 10, (x + y) * 255 // 22], axis=2)
    strokes = np.full((17, 24, 3), 255)
    strokes[3:14, 5:7] = (20, 20, 30)
    strokes[8:10, 5:20] = (200, 30, 40)
    strokes[2:16, 18] = 120
    strokes[14:, :4] = random.integers(0, 256, (3, 4, 3))
    extremes = random.integers(0, 2, (9, 7, 3)) * 255
    cases = {"strokes": strokes, "ramp": ramp, "extremes": extremes, "flat": np.full((2, 3, 3), (51, 153, 204)), "pixel": np.array([[[255, 128, 0]]])}
    return {name: picture.astype(np.uint8) for name, picture in cases.items()}


def calibration_pictures() -> list[np.ndarray]:
    """The hardest inputs for the activations: noise, checkers and stripes at full contrast."""
    random = np.random.default_rng(21)
    y, x = np.mgrid[0:40, 0:40]
    grids = [(x + y) % 2, x % 2, y % 2, (x // 2) % 2, (y // 2) % 2, (x // 3 + y // 3) % 2, (x // 8 + y // 8) % 2]
    plain = [np.repeat(g[:, :, None] * 255, 3, axis=2) for g in grids]
    tinted = [g[:, :, None] * random.integers(0, 2, 3) * 255 for g in grids]
    noise = [random.integers(0, 256, (48, 48, 3)), random.integers(0, 2, (48, 48, 3)) * 255, np.repeat(random.integers(0, 2, (48, 48, 1)) * 255, 3, axis=2)]
    solid = [np.full((24, 24, 3), 255 * np.array(c)) for c in np.ndindex(2, 2, 2)]
    return [p.astype(np.uint8) for p in plain + tinted + noise + solid]


def write_golden(weights: Path, target: Path) -> None:
    """Inputs, integer residuals and final bytes, flattened row by row, RGB interleaved."""
    header, layers = reference.read_weights(weights)
    cases = []
    for name, picture in golden_inputs().items():
        samples = reference.to_samples(picture)
        anchor = enlarge_integer(samples, header["scale"])
        residual = reference.residual(header, layers, samples)
        cases.append({
            "name": name,
            "width": picture.shape[1],
            "height": picture.shape[0],
            "input": picture.flatten().tolist(),
            "anchor": anchor.flatten().tolist(),
            "residual": residual.flatten().tolist(),
            "output": reference.to_bytes(anchor + residual).flatten().tolist(),
        })
    document = {"weights": weights.name, "scale": header["scale"], "cases": cases}
    replace(target, json.dumps(document, separators=(",", ":")).encode() + b"\n")


def replace(path: Path, data: bytes) -> None:
    """Write beside and rename, so a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(path.suffix + ".new")
    beside.write_bytes(data)
    beside.replace(path)


def float_output(layers, scale: int, picture: np.ndarray) -> np.ndarray:
    """The unquantised model on a whole picture, in levels of 0..255 before rounding."""
    halo = len(layers)
    padded = np.pad(picture, ((halo, halo), (halo, halo), (0, 0)), mode="edge")
    x = torch.from_numpy(padded.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    with torch.no_grad():
        net = run_collapsed(layers, x, scale)[0].numpy().transpose(1, 2, 0)
    anchor = enlarge_integer(reference.to_samples(picture), scale) / 4096
    return np.clip(anchor + net, 0, 1) * 255


def export(model, name: str, folder: Path) -> Path:
    """Of the ways to fit the layers into integers, the one that comes nearest to the float model."""
    path, pictures = Path(folder) / f"{name}-x{model.scale}.bin", calibration_pictures()
    tried = []
    for limits in itertools.product(PEAK_LIMITS, LARGEST_GAINS):
        replace(path, pack(name, model.scale, model.channels, equalise(model.collapsed(), pictures, *limits)))
        tried.append((difference(model, path, pictures)[0], path.read_bytes()))
    replace(path, min(tried)[1])
    write_golden(path, Path(folder) / "golden" / f"{name}-x{model.scale}.json")
    return path


def difference(model, weights: Path, pictures) -> tuple[float, float]:
    """Of the integers from the float model, in levels: at most, and RMS."""
    header, layers = reference.read_weights(weights)
    kernels = model.collapsed()
    worst, squares, count = 0.0, 0.0, 0
    for picture in pictures:
        exact = float_output(kernels, model.scale, picture)
        off = np.abs(exact - reference.upscale(header, layers, picture))
        worst = max(worst, float(off.max()))
        squares, count = squares + float((off**2).sum()), count + off.size
    return worst, float(np.sqrt(squares / count))


def check(model, weights: Path, pictures) -> str:
    """Compares the integers with the float model; raises when they differ by more than allowed."""
    worst, rms = difference(model, weights, pictures)
    if worst > MAX_DIFFERENCE:
        raise ArithmeticError(f"{weights.name}: integers differ from float by {worst:.2f} levels")
    return f"integer against float: {worst:.2f} levels at most, {rms:.3f} RMS"


def mean(model: Upscaler, other) -> Upscaler:
    """The network halfway to another one that a training started from: often closer than either."""
    layers = [((k + k2) / 2, (b + b2) / 2) for (k, b), (k2, b2) in zip(model.collapsed(), other, strict=True)]
    halfway = Upscaler(model.scale, model.channels, len(layers), 0)
    halfway.take(layers)
    return halfway


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", choices=EXPERTS, help="default: the checkpoint's own")
    parser.add_argument("--mean-with", type=Path, help="export the mean of the network and this one, a checkpoint or a weight file")
    o = parser.parse_args()
    for checkpoint in o.checkpoint:
        model, record = load_average(checkpoint)
        if o.mean_with:
            model = mean(model, collapsed(o.mean_with))
        path = export(model, o.name or record["name"], o.out)
        print(path.name, record, check(model, path, calibration_pictures()))
