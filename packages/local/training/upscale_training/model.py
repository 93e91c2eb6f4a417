"""The network: a plain stack of 3x3 convolutions whose output is added to a bicubic anchor.

During training every convolution is a linear block that is wider than it looks
(3x3 to a wide space, 1x1 back, plus the identity). The block has no activation inside, so it
collapses to one 3x3 kernel; we collapse before convolving, so the wide space costs almost
nothing per step and nothing at all in the exported model.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn


class CollapsibleConv(nn.Module):
    """A 3x3 'valid' convolution, over-parameterised for training (after SESR's linear blocks)."""

    def __init__(self, inputs: int, outputs: int, width: int, gain: float = 1.0):
        super().__init__()
        self.residual = inputs == outputs
        self.expand = nn.Parameter(torch.empty(width, inputs, 3, 3))
        self.project = nn.Parameter(torch.empty(outputs, width))
        self.bias = nn.Parameter(torch.zeros(outputs))
        # With the identity beside it the block starts as a small correction; without it, as a
        # He-scaled layer.
        scale = 0.3 * gain if self.residual else gain
        nn.init.normal_(self.expand, std=math.sqrt(1 / (inputs * 9)))
        nn.init.normal_(self.project, std=scale * math.sqrt(2 / width))

    def kernel(self) -> torch.Tensor:
        weight = torch.einsum("op,pikl->oikl", self.project, self.expand)
        if self.residual:
            identity = torch.eye(weight.shape[0], device=weight.device)
            weight = weight + F.pad(identity[:, :, None, None], (1, 1, 1, 1))
        return weight

    @torch.no_grad()
    def take(self, kernel: torch.Tensor, bias: torch.Tensor) -> None:
        """Become this kernel: the first inner channels carry it, the others start unused."""
        outputs = self.project.shape[0]
        if self.expand.shape[0] < outputs:
            raise ValueError("the block is too narrow to take a kernel")
        if self.residual:
            kernel = kernel - F.pad(torch.eye(outputs)[:, :, None, None], (1, 1, 1, 1))
        self.expand[:outputs] = kernel
        self.project.zero_()
        self.project[:, :outputs] = torch.eye(outputs)
        self.bias.copy_(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Collapsing stays in full precision; only the convolution may run in bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            kernel = self.kernel()
        return F.conv2d(x, kernel.contiguous(memory_format=torch.channels_last), self.bias)


class PlainConv(nn.Module):
    """A 3x3 'valid' convolution with nothing behind it: a network that is trained on needs no wide space, and a step is cheaper."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0):
        super().__init__()
        weight = torch.empty(outputs, inputs, 3, 3).normal_(std=gain * math.sqrt(2 / (inputs * 9)))
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def kernel(self) -> torch.Tensor:
        return self.weight

    @torch.no_grad()
    def take(self, kernel: torch.Tensor, bias: torch.Tensor) -> None:
        self.weight.copy_(kernel)
        self.bias.copy_(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.weight, self.bias)


class Upscaler(nn.Module):
    """conv 3->C, (layers - 2) x (C->C), conv C->3s2, ReLU between, pixel shuffle.

    No padding anywhere: the output covers the input less `halo` pixels on each side. The
    caller replicates the edges of the whole picture, so a border inside it never shows. A width
    of 0 makes plain convolutions.
    """

    def __init__(self, scale: int, channels: int, layers: int, width: int = 64):
        super().__init__()
        self.scale, self.channels, self.halo = scale, channels, layers
        make = partial(CollapsibleConv, width=width) if width else PlainConv
        sizes = [3] + [channels] * (layers - 1) + [3 * scale * scale]
        self.layers = nn.ModuleList(
            # A tiny last layer starts the training from plain bicubic.
            make(a, b, gain=0.05 if i == layers - 1 else 1.0) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The residual to add to the anchor, for the interior of x."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x), inplace=True)
        return F.pixel_shuffle(self.layers[-1](x), self.scale)

    def take(self, layers) -> None:
        """Start from the collapsed kernels of a network of the same shape; ValueError if it has another."""
        wanted = [tuple(kernel.shape) for kernel, _ in self.collapsed()]
        if wanted != [tuple(kernel.shape) for kernel, _ in layers]:
            raise ValueError(f"the network to start from is not of {len(wanted)} layers of {self.channels} channels at x{self.scale}")
        for block, (kernel, bias) in zip(self.layers, layers, strict=True):
            block.take(kernel, bias)

    def collapsed(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """One (kernel OIHW, bias) pair per layer: what is exported."""
        with torch.no_grad():
            return [(l.kernel().float().clone(memory_format=torch.contiguous_format), l.bias.float().clone()) for l in self.layers]


def run_collapsed(layers, x: torch.Tensor, scale: int) -> torch.Tensor:
    """The same network from its collapsed kernels; x carries the halo."""
    for kernel, bias in layers[:-1]:
        x = F.relu(F.conv2d(x, kernel, bias))
    return F.pixel_shuffle(F.conv2d(x, *layers[-1]), scale)
