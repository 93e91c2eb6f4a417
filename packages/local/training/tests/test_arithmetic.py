"""The exported integers against the float model, and the rules of the weight file."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from upscale_training import anchor, checkpoint, export, lines, reference, small_checkpoint
from upscale_training.head import fit_last_layer
from upscale_training.losses import LUMA, loss, squared
from upscale_training.model import Upscaler, run_collapsed


def small_model(scale: int, seed: int = 3) -> Upscaler:
    torch.manual_seed(seed)
    model = Upscaler(scale, 16, 4, 64)
    with torch.no_grad():
        for layer in model.layers:
            layer.bias.uniform_(-0.05, 0.05)
    return model


class Anchor(unittest.TestCase):
    def test_every_phase_sums_to_one(self):
        for scale in (2, 3, 4):
            for _, weights in anchor.phase_weights(scale):
                self.assertEqual(sum(weights), anchor.ONE)

    def test_a_flat_picture_stays_flat(self):
        for scale in (2, 3, 4):
            for value in range(256):
                samples = reference.to_samples(np.full((3, 2, 3), value, np.uint8))
                self.assertTrue((reference.to_bytes(anchor.enlarge_integer(samples, scale)) == value).all())

    def test_a_ramp_is_not_shifted(self):
        ramp = np.repeat(np.arange(20)[None, :, None] * 100, 6, 0).repeat(3, 2)
        for scale in (2, 3, 4):
            result = anchor.enlarge_integer(ramp, scale)[6, 4 * scale : -4 * scale, 0]
            expected = ((np.arange(20 * scale) + 0.5) / scale - 0.5)[4 * scale : -4 * scale] * 100
            self.assertLessEqual(np.abs(result - expected).max(), 1)

    def test_the_float_anchor_agrees(self):
        picture = export.golden_inputs()["strokes"]
        x = torch.from_numpy(np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="edge").transpose(2, 0, 1)[None] / 255)
        for scale in (2, 3, 4):
            exact = anchor.enlarge_integer(reference.to_samples(picture), scale) / 4096
            difference = anchor.enlarge(x, scale, 3)[0].numpy().transpose(1, 2, 0) - exact
            self.assertLess(np.abs(difference).max(), 1e-3)


class Lines(unittest.TestCase):
    def test_an_exact_enlargement_has_no_error_and_a_blurred_one_has(self):
        for scale in (2, 3, 4):
            exact = lines.error(lambda small: small.repeat(scale, 0).repeat(scale, 1).astype(float), scale)
            self.assertEqual(exact, "0.0/0.0/0.0/0.0")
            plain = lines.error(lambda small: anchor.enlarge_integer(reference.to_samples(small), scale) / 4096 * 255, scale)
            self.assertGreater(float(plain.split("/")[0]), 5)


class Loss(unittest.TestCase):
    def test_luminance_alone_ignores_what_only_changes_the_colour(self):
        truth = torch.full((1, 3, 8, 8), 0.5)
        tinted = truth + torch.tensor([0.1, -0.1 * LUMA[0] / LUMA[1], 0]).view(1, 3, 1, 1)
        brighter = truth + 0.1
        self.assertAlmostEqual(loss(tinted, truth, 2, False, squared, 1).item(), 0, places=6)
        self.assertGreater(loss(tinted, truth, 2, False, squared, 0).item(), 0.01)
        self.assertAlmostEqual(loss(brighter, truth, 2, False, squared, 1).item(), loss(brighter, truth, 2, False, squared).item(), places=5)


class Model(unittest.TestCase):
    def test_collapsing_changes_nothing(self):
        model = small_model(3)
        x = torch.rand(2, 3, 20, 17)
        with torch.no_grad():
            difference = (model(x) - run_collapsed(model.collapsed(), x, 3)).abs().max()
        self.assertLess(float(difference), 1e-5)

    def test_the_output_covers_the_interior(self):
        self.assertEqual(tuple(small_model(2)(torch.rand(1, 3, 20, 17)).shape), (1, 3, 24, 18))


class Starting(unittest.TestCase):
    """A network that takes the kernels of another is that network, whatever either is made of."""

    def test_from_kernels(self):
        model = small_model(2)
        for width in (0, 64):
            taken = Upscaler(2, 16, 4, width)
            taken.take(model.collapsed())
            x = torch.rand(1, 3, 18, 19)
            with torch.no_grad():
                self.assertLess(float((taken(x) - model(x)).abs().max()), 1e-5)

    def test_from_a_weight_file_and_from_a_checkpoint(self):
        model = small_model(2)
        with tempfile.TemporaryDirectory() as folder:
            path = export.export(model, "fast", Path(folder))
            record = {"scale": 2, "channels": 16, "layers": 4, "width": 64}
            checkpoint.save(Path(folder) / "a.pt", model, model, torch.optim.Adam(model.parameters()), record)
            x = torch.rand(1, 3, 18, 19)
            with torch.no_grad():
                for source, allowed in ((path, 2e-3), (Path(folder) / "a.pt", 1e-6)):
                    result = run_collapsed(checkpoint.collapsed(source), x, 2)
                    self.assertLess(float((result - model(x)).abs().max()), allowed)
                    trunk = Upscaler(3, 16, 4, 0)
                    checkpoint.take_trunk(trunk, source)
                    self.assertLess(float((trunk.layers[2].weight - checkpoint.collapsed(source)[2][0]).abs().max()), 1e-6)

    def test_a_small_checkpoint_goes_on_as_the_large_one_would(self):
        torch.manual_seed(1)
        model, average = Upscaler(2, 16, 4, 0), Upscaler(2, 16, 4, 0)
        optimiser = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
        for _ in range(3):
            optimiser.zero_grad()
            model(torch.rand(1, 3, 16, 16)).square().mean().backward()
            optimiser.step()
        average.take([(k * 0.999, b) for k, b in model.collapsed()])
        record = {"scale": 2, "channels": 16, "layers": 4, "width": 0, "step": 3}
        with tempfile.TemporaryDirectory() as folder:
            large, small, again = (Path(folder) / name for name in ("a.pt", "a.npz", "b.pt"))
            checkpoint.save(large, model, average, optimiser, record)
            small_checkpoint.shrink(large, small)
            small_checkpoint.grow(small, again)
            self.assertLess(small.stat().st_size, large.stat().st_size)
            before, after = (torch.load(path) for path in (large, again))
        self.assertEqual(after["record"], record)
        for name, values in before["average"].items():
            self.assertTrue(torch.equal(after["average"][name], values))
            self.assertLess(float((after["model"][name] - before["model"][name]).abs().max()), 1e-4)
        restored = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
        restored.load_state_dict(after["optimiser"])
        for a, b in zip(optimiser.state.values(), restored.state.values()):
            self.assertEqual(float(a["step"]), float(b["step"]))
            for moment in ("exp_avg", "exp_avg_sq"):
                self.assertTrue(torch.allclose(a[moment], b[moment], rtol=0.01, atol=1e-12))

    def test_another_shape_is_refused(self):
        self.assertRaises(ValueError, Upscaler(2, 16, 5, 0).take, small_model(2).collapsed())


class Head(unittest.TestCase):
    def test_least_squares_finds_a_last_layer_that_was_there(self):
        model = small_model(3)
        x = torch.randint(0, 256, (4, 3, 24, 24))
        with torch.no_grad():
            model.layers[-1].project *= 10
            truth = (anchor.enlarge(x.float() / 255, 3, model.halo) + model(x.float() / 255)) * 255
        wanted = model.collapsed()[-1][0]
        fit_last_layer(model, [(x, truth)])
        with torch.no_grad():
            again = (anchor.enlarge(x.float() / 255, 3, model.halo) + model(x.float() / 255)) * 255
        self.assertEqual(model.collapsed()[-1][0].shape, wanted.shape)
        self.assertLess(float((again - truth).abs().mean()), 1.0)


class Weights(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_mean_of_a_network_with_itself_is_the_same(self):
        model = Upscaler(2, 8, 4, 16)
        for (a, b), (c, d) in zip(export.mean(model, model.collapsed()).collapsed(), model.collapsed(), strict=True):
            self.assertTrue(torch.allclose(a, c) and torch.allclose(b, d))

    def test_integers_follow_the_float_model(self):
        for scale in (2, 3, 4):
            model = small_model(scale)
            export.check(model, export.export(model, "fast", self.folder), export.calibration_pictures())

    def test_large_activations_are_brought_into_range(self):
        model = small_model(2)
        with torch.no_grad():
            model.layers[1].project *= 40
            model.layers[2].project /= 40
        path = export.export(model, "fast", self.folder)
        header, layers = reference.read_weights(path)
        picture = export.calibration_pictures()[0]
        exact = export.float_output(model.collapsed(), 2, picture)
        self.assertLess(np.abs(exact - reference.upscale(header, layers, picture)).max(), 3)

    def test_no_sum_can_leave_int32(self):
        _, layers = reference.read_weights(export.export(small_model(2), "fast", self.folder))
        for kernel, bias, shift in layers:
            reach = np.abs(np.where(kernel > 0, kernel, 0).astype(np.int64).sum((1, 2, 3))) * 32767 + np.abs(bias.astype(np.int64))
            self.assertLess(reach.max(), 2**31)
            self.assertLessEqual(shift, 14)

    def test_golden_vectors_are_the_reference(self):
        path = export.export(small_model(4), "fast", self.folder)
        header, layers = reference.read_weights(path)
        golden = json.loads((self.folder / "golden" / "fast-x4.json").read_text())
        for case in golden["cases"]:
            picture = np.array(case["input"], np.uint8).reshape(case["height"], case["width"], 3)
            self.assertEqual(reference.upscale(header, layers, picture).flatten().tolist(), case["output"])

    def test_damaged_files_are_refused(self):
        path = export.export(small_model(2), "fast", self.folder)
        path.write_bytes(path.read_bytes() + b"\0\0")
        self.assertRaises(ValueError, reference.read_weights, path)


class Committed(unittest.TestCase):
    def test_golden_vectors_belong_to_their_weights(self):
        folder = Path(__file__).resolve().parents[2] / "weights"
        for path in sorted(folder.glob("*.bin")):
            header, layers = reference.read_weights(path)
            golden = json.loads((folder / "golden" / f"{path.stem}.json").read_text())
            case = golden["cases"][0]
            picture = np.array(case["input"], np.uint8).reshape(case["height"], case["width"], 3)
            self.assertEqual(reference.upscale(header, layers, picture).flatten().tolist(), case["output"], path.name)


if __name__ == "__main__":
    unittest.main()
