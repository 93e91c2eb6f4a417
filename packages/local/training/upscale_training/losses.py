"""The loss: Charbonnier on RGB, with small terms for gradients and for what a reduction gives back."""

import torch
import torch.nn.functional as F

EPSILON = 1e-3
EDGE_WEIGHT = 0.1


def charbonnier(error: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(error * error + EPSILON * EPSILON).mean()


def loss(predicted: torch.Tensor, truth: torch.Tensor, scale: int, edges: bool = True) -> torch.Tensor:
    """Charbonnier; with `edges`, two terms beside it that keep edges in place and flat colours and stroke weight true."""
    error = predicted - truth
    value = charbonnier(error)
    if not edges:
        return value
    gradient = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    # Reduced again, the result must give the tones of the truth.
    consistency = F.avg_pool2d(error, scale).abs().mean()
    return value + EDGE_WEIGHT * (gradient + consistency)
