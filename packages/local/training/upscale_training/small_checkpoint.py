"""Checkpoints small enough to be committed, so that a training goes on on another machine.

    python3 -m upscale_training.small_checkpoint --out checkpoints runs/design-x2.pt …

An archive of plain numpy arrays: the moving average in full, the model as its difference from it and the optimiser's
two moments in bfloat16. Only networks of plain convolutions: a wide one is an order larger.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from .model import Upscaler

MOMENTS = ("exp_avg", "exp_avg_sq")


def halved(tensor: torch.Tensor) -> np.ndarray:
    """The bits of a tensor in bfloat16."""
    return tensor.detach().contiguous().bfloat16().view(torch.int16).numpy()


def restored(bits: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(bits).view(torch.bfloat16).float()


def shrink(source: Path, target: Path) -> None:
    """Writes the checkpoint `source`, as the training leaves it, in the small form."""
    saved = torch.load(source, map_location="cpu")
    if saved["record"]["width"]:
        raise ValueError(f"{source}: not of plain convolutions; start a training of width 0 from it first")
    arrays = {"record": np.frombuffer(json.dumps(saved["record"]).encode(), np.uint8)}
    states = saved["optimiser"]["state"]
    for index, (name, average) in enumerate(saved["average"].items()):
        arrays[f"average/{name}"] = average.contiguous().numpy()
        arrays[f"difference/{name}"] = halved(saved["model"][name] - average)
        for moment in MOMENTS:
            arrays[f"{moment}/{name}"] = halved(states[index][moment])
    arrays["optimiser_step"] = np.array(int(states[0]["step"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, **arrays)


def grow(source: Path, target: Path) -> None:
    """Writes the small checkpoint `source` in the form that the training goes on from."""
    with np.load(source, allow_pickle=False) as arrays:
        record = json.loads(arrays["record"].tobytes())
        model = Upscaler(record["scale"], record["channels"], record["layers"], record["width"])
        names = list(model.state_dict())
        average = {name: torch.from_numpy(arrays[f"average/{name}"]) for name in names}
        state = {name: average[name] + restored(arrays[f"difference/{name}"]) for name in names}
        step = torch.tensor(float(arrays["optimiser_step"]))
        moments = {
            index: {"step": step.clone(), **{m: restored(arrays[f"{m}/{name}"]) for m in MOMENTS}} for index, name in enumerate(names)
        }
    optimiser = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99)).state_dict()
    model.load_state_dict(state)
    whole = {"model": model.state_dict(), "average": average, "optimiser": {**optimiser, "state": moments}, "record": record}
    target.parent.mkdir(parents=True, exist_ok=True)
    torch.save(whole, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True, help="folder for the .npz files")
    o = parser.parse_args()
    for path in o.checkpoint:
        shrink(path, o.out / f"{path.stem}.npz")
