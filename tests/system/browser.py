"""A real headless Chromium, controlled through a pipe, and everything it complained about."""

import base64
import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

FLAGS = (
    "--headless",
    "--no-sandbox",  # which root may not use
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)

_KEYS = {
    "Enter": 13,
    "Escape": 27,
    "PageUp": 33,
    "PageDown": 34,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
"""What Windows calls keys that write nothing, which the protocol wants."""


class Browser:
    """One page in one browser.

    `complaints` are errors of its console, exceptions in its scripts, and what it refused to load;
    `asked_for` the addresses of all that it loaded or tried to.
    """

    def __init__(self, to_it: int, from_it: int) -> None:
        self._to_it, self._from_it = to_it, from_it
        self._rest = b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.complaints: list[Any] = []
        self.asked_for: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a command of the DevTools protocol."""
        message = {"id": next(self._numbers), "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to_it, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == message["id"]:
                assert "error" not in answer, answer
                return answer["result"]

    def open(
        self, page: Path, *, link: str = "", width: int = 1280, height: int = 900, scheme: str = "light"
    ) -> None:
        """Open a file, as a double click does; or a link into it."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.asked_for.clear()
        self.call("Page.navigate", url="about:blank")  # else only the link would be another
        self.call("Page.navigate", url=page.as_uri() + (f"#{quote(link, safe='=&:+%')}" if link else ""))
        self.until("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to in the page; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str, timeout: float = 30.0) -> Any:
        """The expression's value as soon as it is true."""
        end = time.monotonic() + timeout
        while not (value := self.value(expression)):
            assert time.monotonic() < end, f"never: {expression}; {self.complaints}"
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """What stands in an element."""
        return str(self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    def texts(self, selector: str) -> list[str]:
        """What stands in all elements of a kind."""
        found = self.value(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.innerText)")
        return [str(text) for text in found]

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list."""
        self.value(
            f"(() => {{ const list = document.querySelector({json.dumps(selector)});"
            f"list.value = {json.dumps(value)}; list.dispatchEvent(new Event('change')); }})()"
        )

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        code = _KEYS.get(key, ord(key[0].upper()))
        text = {"text": "\r" if key == "Enter" else key} if key == "Enter" or len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def type(self, selector: str, text: str) -> None:
        """Click into a field and write."""
        self.click(selector)
        self.call("Input.insertText", text=text)

    def click(self, selector: str, across: float = 0.5) -> None:
        """Click an element with the mouse, at a part of its width."""
        x, y = self._point(selector, across)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def point(self, selector: str, across: float = 0.5) -> None:
        """Let the mouse rest on an element, at a part of its width."""
        x, y = self._point(selector, across)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def _point(self, selector: str, across: float) -> tuple[float, float]:
        x, y = self.value(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)});"
            "found.scrollIntoView({block: 'nearest'}); const box = found.getBoundingClientRect();"
            f"return [box.left + box.width * {across}, box.top + box.height / 2]; }})()"
        )
        return x, y

    def screenshot(self, path: Path) -> None:
        """What is to be seen now, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._from_it], [], [], 60)[0], "the browser does not answer"
            read = os.read(self._from_it, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.asked_for.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown" | "Page.javascriptDialogOpening":
                self.complaints.append(parameters)
            case "Runtime.consoleAPICalled" if parameters["type"] in {"error", "warning", "assert"}:
                self.complaints.append(parameters)
            case "Log.entryAdded" if parameters["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(parameters["entry"])


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Run a browser until the block ends; `folder` gets its profile."""
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    # The browser reads commands from descriptor 3 and writes to 4.
    redirect = f'exec "$@" 3<&{in_read} 4>&{out_write}'
    command = ["bash", "-c", redirect, "bash", "chromium", *FLAGS, f"--user-data-dir={folder / 'profile'}"]
    with (
        (folder / "chromium.log").open("wb") as log,
        subprocess.Popen(command, pass_fds=(in_read, out_write), stderr=log, stdout=log) as process,
    ):
        try:
            os.close(in_read)
            os.close(out_write)
            yield Browser(in_write, out_read)
        finally:
            os.close(in_write)
            process.terminate()
            process.wait(20)
            os.close(out_read)
