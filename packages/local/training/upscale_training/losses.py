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


# ITU-R BT.601: what each of red, green and blue adds to the luminance that PSNR-Y compares.
LUMA = (0.299, 0.587, 0.114)


def luma(error: torch.Tensor) -> torch.Tensor:
    """The luminance of a batch of RGB errors, N × 3 × H × W to N × 1 × H × W."""
    weights = error.new_tensor(LUMA).view(1, 3, 1, 1)
    return (error * weights).sum(1, keepdim=True)


def loss(
    predicted: torch.Tensor, truth: torch.Tensor, scale: int, edges: bool = True, measure=charbonnier, luma_share: float = 0
) -> torch.Tensor:
    """`measure` of the error; with `edges`, two terms beside it that keep edges in place and flat colours and stroke weight true.

    `luma_share` of it is the error of luminance alone, in which an eye sees detail; the rest is that of the three colours.
    """
    error = predicted - truth
    value = measure(error)
    if luma_share:
        value = (1 - luma_share) * value + luma_share * measure(luma(error))
    if not edges:
        return value
    gradient = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    # Reduced again, the result must give the tones of the truth.
    consistency = F.avg_pool2d(error, scale).abs().mean()
    return value + EDGE_WEIGHT * (gradient + consistency)
