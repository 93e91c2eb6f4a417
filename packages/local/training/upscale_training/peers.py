"""Measures networks that others published, by the papers' convention: PSNR-Y in dB after a bicubic reduction.

    git clone https://github.com/ECNUSR/ETDS
    python3 -m upscale_training.peers --etds ETDS --bench DIR [--scales 2 3 4]

ETDS (Apache-2.0) is of our kind: 3x3 convolutions and ReLU. Its weights are read where they are; nothing is learned from
them and nothing of them ships.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .evaluate import folder_pictures
from .pictures import imresize_down, psnr_luma

TITLES = ("ETDS_M6C32", "ETDS_M7C48")


def enlarge(weights: dict, scale: int, picture: np.ndarray) -> np.ndarray:
    """As bytes; `weights` are those of its form for inference."""
    x = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    for name in dict.fromkeys(key.rsplit(".", 1)[0] for key in weights):
        kernel = weights[f"{name}.weight"]
        x = F.relu(F.conv2d(x, kernel, weights[f"{name}.bias"], padding=kernel.shape[-1] // 2))
    # At x3 there is a channel too many, which fills it up to a multiple of four.
    y = F.pixel_shuffle(x[:, : 3 * scale**2], scale)[0].numpy().transpose(1, 2, 0)
    return np.rint(y.clip(0, 1) * 255).astype(np.uint8)


def measure(path: Path, scale: int, bench: Path) -> str:
    weights = torch.load(path, map_location="cpu")
    means = []
    for folder in sorted(p for p in bench.iterdir() if p.is_dir()):
        pictures = list(folder_pictures(folder, scale))
        found = [psnr_luma(enlarge(weights, scale, imresize_down(truth, scale)), truth, scale) for truth in pictures]
        means.append(f"{folder.name} {np.mean(found):.2f}")
    return f"{path.stem}: {' | '.join(means)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--etds", type=Path, required=True, help="a clone of its repository")
    parser.add_argument("--bench", type=Path, required=True, help="folder of folders of high-resolution PNG files")
    parser.add_argument("--scales", type=int, nargs="+", default=[2, 3, 4])
    o = parser.parse_args()
    torch.set_grad_enabled(False)
    for scale in o.scales:
        for title in TITLES:
            print(measure(o.etds / f"experiments/pretrained_models/ETDS/{title}_x{scale}.pth", scale, o.bench), flush=True)
