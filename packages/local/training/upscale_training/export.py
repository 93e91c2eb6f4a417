"""Collapse, quantise and write a model, with its golden vectors."""

import json
import struct
from pathlib import Path

import numpy as np
import torch

from . import reference
from .anchor import enlarge_integer
from .model import run_collapsed

MAX_SHIFT = 14


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
        if np.abs(w).max() <= 32767 and reach.max() < 2**31:
            return w.astype("<i2"), b.astype("<i4"), shift
    raise ValueError("weights too large for int16 arithmetic")


def equalise(layers):
    """Scale hidden channels so that each layer fits its integers, without changing the function.

    ReLU lets a positive factor pass, so what is taken from one layer is given to the next.
    Here only channels whose positive or negative weight sum is large are turned down.
    """
    layers = [(k.clone(), b.clone()) for k, b in layers]
    limit = 65535 / (1 << 13)
    for index in range(len(layers) - 1):
        kernel, bias = layers[index]
        reach = torch.maximum(kernel.clamp(min=0).sum((1, 2, 3)), (-kernel).clamp(min=0).sum((1, 2, 3)))
        factor = (0.98 * limit / reach).clamp(max=1.0)
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
    """Small pictures that reach the borders, flats, extremes and odd sizes."""
    random = np.random.default_rng(20)
    y, x = np.mgrid[0:17, 0:24]
    ramp = np.stack([x * 255 // 23, y * 255 // 16, (x + y) * 255 // 39], axis=2)
    strokes = np.full((17, 24, 3), 255)
    strokes[3:14, 5:7] = (20, 20, 30)
    strokes[8:10, 5:20] = (200, 30, 40)
    strokes[2:16, 18] = 120
    noise = random.integers(0, 256, (17, 24, 3))
    return {
        "ramp": ramp.astype(np.uint8),
        "strokes": strokes.astype(np.uint8),
        "noise": noise.astype(np.uint8),
        "flat": np.full((5, 3, 3), (51, 153, 204), np.uint8),
        "pixel": np.array([[[255, 128, 0]]], np.uint8),
    }


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
    layers = equalise(model.collapsed())
    path = Path(folder) / f"{name}-x{model.scale}.bin"
    replace(path, pack(name, model.scale, model.channels, layers))
    write_golden(path, Path(folder) / "golden" / f"{name}-x{model.scale}.json")
    return path
