"""The loss: Charbonnier on RGB, with small terms for gradients and for what a reduction gives back."""

import torch
import torch.nn.functional as F

EPSILON = 1e-3
GRADIENT_WEIGHT = 0.1
CONSISTENCY_WEIGHT = 0.1


def charbonnier(error: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(error * error + EPSILON * EPSILON).mean()


def loss(predicted: torch.Tensor, truth: torch.Tensor, scale: int) -> torch.Tensor:
    error = predicted - truth
    gradient = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    # Reduced again, the result must give the tones of the truth: keeps flat colours and stroke weight.
    consistency = F.avg_pool2d(error, scale).abs().mean()
    return charbonnier(error) + GRADIENT_WEIGHT * gradient + CONSISTENCY_WEIGHT * consistency
