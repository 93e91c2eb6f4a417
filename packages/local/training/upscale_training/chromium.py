"""A minimal Chromium driver over the DevTools pipe, with nothing but the standard library."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--hide-scrollbars",
    "--allow-file-access-from-files", "--force-color-profile=srgb", "--remote-debugging-pipe",
]


class Chromium:
    """One headless browser with one page; use as a context manager."""

    def __init__(self, binary: str = "chromium", extra_flags: tuple = ()):
        self._profile = tempfile.TemporaryDirectory(prefix="upscale-chromium-", ignore_cleanup_errors=True)
        browser_in, self._write = os.pipe()
        self._read, browser_out = os.pipe()

        # The browser expects its commands on descriptor 3 and answers on 4. The pipes may have
        # got those very numbers, so move them out of the way first.
        def place_pipes():
            high_in, high_out = os.dup2(browser_in, 60), os.dup2(browser_out, 61)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self._process = subprocess.Popen(
            [binary, *FLAGS, *extra_flags, f"--user-data-dir={self._profile.name}", "about:blank"],
            preexec_fn=place_pipes, close_fds=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(browser_in)
        os.close(browser_out)
        self._buffer, self._last_id, self._session, self._events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        self._profile.cleanup()

    def call(self, method: str, **params):
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        while True:
            answer = self._receive()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._events.append(answer.get("method"))

    def _receive(self) -> dict:
        while b"\0" not in self._buffer:
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise RuntimeError("the browser ended")
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, path: Path) -> None:
        self._events.clear()
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._events.append(self._receive().get("method"))
        self.call("Runtime.evaluate", expression="document.fonts.ready.then(() => 1)", awaitPromise=True)

    def screenshot(self, size: int, scale: int) -> bytes:
        """A PNG of the top left size x size CSS pixels at the given device scale."""
        self.call("Emulation.setDeviceMetricsOverride", width=size, height=size, deviceScaleFactor=scale, mobile=False)
        shot = self.call("Page.captureScreenshot", format="png", optimizeForSpeed=True)
        return base64.b64decode(shot["data"])
