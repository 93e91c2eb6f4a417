"""The loss: Charbonnier on RGB, or the squared error, with small terms for gradients and for what a reduction gives back."""

import torch
import torch.nn.functional as F

EPSILON = 1e-3
EDGE_WEIGHT = 0.1
# Brings the gradients of squared errors to about the size of Charbonnier's.
SQUARED_WEIGHT = 25


def charbonnier(error: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(error * error + EPSILON * EPSILON).mean()


def squared(error: torch.Tensor) -> torch.Tensor:
    return SQUARED_WEIGHT * (error * error).mean()


def loss(predicted: torch.Tensor, truth: torch.Tensor, scale: int, edges: bool = True, measure=charbonnier) -> torch.Tensor:
    """`measure` of the error; with `edges`, two terms beside it that keep edges in place and flat colours and stroke weight true."""
    error = predicted - truth
    value = measure(error)
    if not edges:
        return value
    gradient = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    # Reduced again, the result must give the tones of the truth.
    consistency = F.avg_pool2d(error, scale).abs().mean()
    return value + EDGE_WEIGHT * (gradient + consistency)
