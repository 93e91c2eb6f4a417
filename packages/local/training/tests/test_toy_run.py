"""The whole recipe at toy size: renders, trains, exports, measures, and goes on when run again."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


@unittest.skipUnless(shutil.which("chromium"), "needs Chromium")
class ToyRun(unittest.TestCase):
    def test_it_runs_and_resumes(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "upscale_training.recipe", "--preset", "toy", "--cache", f"{folder}/cache", "--out", f"{folder}/weights"]
            first = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
            self.assertEqual(first.returncode, 0, first.stderr)
            weights = Path(folder, "weights")
            names = sorted(p.name for p in weights.iterdir() if p.is_file())
            self.assertEqual(names, ["design-x2.bin", "design-x2.log", "fast-x2.bin", "fast-x2.log", "fast-x4.bin", "fast-x4.log"])
            before = (weights / "fast-x2.bin").read_bytes()
            again = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertIn("start step=12", (weights / "fast-x2.log").read_text())
            self.assertEqual((weights / "fast-x2.bin").read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
