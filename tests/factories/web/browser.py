"""A headless browser that tests talk to over a pipe: no port, no driver, no network."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds


def find_browser() -> str | None:
    """Return the path of a browser, if there is one."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class BrowserSession:
    """A page in a browser, driven by the DevTools protocol.

    `messages` are what the console and the browser said of the page, `requests` the
    addresses that it asked for beside its own.
    """

    def __init__(self, browser: str, folder: Path) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        self._last, self._buffer, self._loaded = 0, b"", False
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def place() -> None:
            # The browser reads from descriptor 3 and writes to 4.
            ours = [os.dup(number) for number in (to_browser, from_browser)]
            for number, target in zip(ours, (3, 4), strict=True):
                os.dup2(number, target)

        self._process = subprocess.Popen(
            [browser, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=place,  # noqa: PLW1509 - no thread of ours runs then
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        targets = self._send("Target.getTargets")["targetInfos"]
        page = next(item for item in targets if item["type"] == "page")
        attached = self._send(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )
        self._session: str | None = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    _session: str | None = None

    def __enter__(self) -> BrowserSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._write)
        os.close(self._read)

    def open(self, path: Path, *, width: int = 1280, dark: bool = False) -> None:
        """Open a file in a window of a width, in the light or the dark scheme."""
        self.messages.clear()
        self.requests.clear()
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded = False
        self._send("Page.navigate", url=path.as_uri())
        limit = time.monotonic() + PATIENCE
        while not self._loaded:
            self._take(self._message(limit))
        self.evaluate("1")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        found = self._send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        names = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        extra = {"text": text} if text else {}
        self._send("Input.dispatchKeyEvent", type="keyDown", **names, **extra)
        self._send("Input.dispatchKeyEvent", type="keyUp", **names)

    def screenshot(self, path: Path) -> None:
        """Write the whole page as PNG."""
        taken = self._send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(taken["data"]))

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        limit = time.monotonic() + PATIENCE
        while True:
            answer = self._message(limit)
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._take(answer)

    def _message(self, limit: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = limit - time.monotonic()
            ready, _, _ = select.select([self._read], [], [], max(0.0, left))
            taken = os.read(self._read, 1 << 16) if ready else b""
            if not taken:
                message = "the browser doesn't answer"
                raise TimeoutError(message)
            self._buffer += taken
        first, self._buffer = self._buffer.split(b"\0", 1)
        found: dict[str, Any] = json.loads(first)
        return found

    def _take(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.messages.append(json.dumps(params)[:1000])
            case "Log.entryAdded":
                self.messages.append(str(params["entry"]["text"]))
            case "Network.requestWillBeSent":
                if params["request"]["url"] != params["documentURL"]:
                    self.requests.append(params["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True
