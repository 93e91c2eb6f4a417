"""Gives a model that took another scale's layers a last layer to start from, by least squares.

The trunk's features already tell edges from texture at any scale; the best linear reading of
them is one small system of equations, and spares the first thousands of steps.
"""

import torch
import torch.nn.functional as F

from .anchor import enlarge
from .model import Upscaler

RIDGE = 1e-4


@torch.no_grad()
def features(model: Upscaler, x: torch.Tensor) -> torch.Tensor:
    """One row per interior pixel: the 3x3 neighbourhood of every channel before the last layer, and a one."""
    for layer in model.layers[:-1]:
        x = F.relu(layer(x))
    rows = F.unfold(x, 3).transpose(1, 2).flatten(0, 1)
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)


@torch.no_grad()
def fit_last_layer(model: Upscaler, batches) -> None:
    """`batches` gives (small, large) as bytes, as the sampler draws them."""
    last = model.layers[-1]
    outputs, inputs = 3 * model.scale**2, 9 * model.channels
    left = torch.zeros(inputs + 1, inputs + 1, dtype=torch.float64)
    right = torch.zeros(inputs + 1, outputs, dtype=torch.float64)
    for small, large in batches:
        x = small.float() / 255
        wanted = F.pixel_unshuffle(large.float() / 255 - enlarge(x, model.scale, model.halo), model.scale)
        rows = features(model, x)
        left += (rows.T @ rows).double()
        right += (rows.T @ wanted.flatten(2).transpose(1, 2).flatten(0, 1)).double()
    left += torch.eye(inputs + 1, dtype=torch.float64) * RIDGE * left.diagonal().mean()
    solution = torch.linalg.solve(left, right).float().T
    last.take(solution[:, :inputs].reshape(outputs, -1, 3, 3), solution[:, inputs])
