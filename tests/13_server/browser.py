"""A browser without a window, driven by the protocol of W3C WebDriver, as chromedriver speaks it."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

from client import Skipped, Wrong

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    def __init__(self, width=1300, height=1500):
        for program in ("chromedriver", "chromium"):
            if not shutil.which(program):
                raise Skipped(f"there is no {program} here")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["chromedriver", f"--port={port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.base = f"http://127.0.0.1:{port}"
        options = {
            "binary": shutil.which("chromium"),
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     f"--window-size={width},{height}"],
        }
        end = time.monotonic() + 30
        while True:
            try:
                asked = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options,
                                                          "goog:loggingPrefs": {"browser": "ALL"}}}}
                session = self.call("POST", "/session", asked)["sessionId"]
                break
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > end:
                    self.process.kill()
                    raise
                time.sleep(0.05)
        self.base += f"/session/{session}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait()

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Wrong(f"the browser: {json.load(error)['value']['message'][:300]}") from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        """Runs a script in the page, as the tools of the browser do, which no policy stops. @returns what it returns"""
        return self.call("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click")

    def write(self, selector, text):
        element = self.find(selector)
        self.call("POST", f"/element/{element}/clear")
        self.call("POST", f"/element/{element}/value", {"text": text})

    def keys(self, *keys):
        """Presses keys, one after another, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def text(self, selector):
        return self.script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def until(self, script, what, *arguments, seconds=30):
        end = time.monotonic() + seconds
        while not (found := self.script("return " + script, *arguments)):
            if time.monotonic() > end:
                raise Wrong(f"the page does not show within {seconds} s: {what}; it shows: {self.text('main')[:600]!r}")
            time.sleep(0.05)
        return found

    def complaints(self):
        """What stands in its console: exceptions, and what its policy has stopped."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def resize(self, width, height):
        self.call("POST", "/window/rect", {"width": width, "height": height})

    def phone(self, width=420, height=900):
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}})

    def desk(self):
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}})

    def dark(self, on=True):
        features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})

    def screenshot(self, path):
        """Takes a picture of the whole page, however long it is."""
        picture = self.call("POST", "/goog/cdp/execute", {
            "cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": True}})
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
