"""How fast the demo answers, alone and under load: python -m benchmarks.demo

Needs the published networks, and Chromium for the time in the page. Leave the machine alone
meanwhile: the clients already share the server's cores. Writes benchmarks/demo.json, and
docs/demo.png, which shows the page as it opens.
"""

import collections
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from denoising.compute import backend
from denoising.files import write_json

REQUESTS = 200  # of each kind, for latency
SECONDS, CLIENTS = 20, 50  # of the load
PAUSE = 0.3  # seconds that the page waits after a 503
NOISE = {"name": "gaussian", "sigma": 0.5, "clip": True}
RESULT, STILL = Path("benchmarks/demo.json"), Path("docs/demo.png")


def main() -> None:
    """Measure, and write the results."""
    server = subprocess.Popen(
        [sys.executable, "-m", "demo", "--port", "0", "--models", "published"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = _address(server)
        process = psutil.Process(server.pid)
        client = Client(url)
        models = [model["name"] for model in client.get("/api/models")["models"]]
        result = {
            "device": backend.description()["device_name"],
            "cores": len(os.sched_getaffinity(0)),
            "networks": models,
            "requests": REQUESTS,
        }
        result["milliseconds"] = {"cae": client.latency(["cae"]), "all": client.latency(None)}
        result["milliseconds_in_the_page"] = in_the_page(url)
        alone = load(url, 1)
        memory = process.memory_info().rss
        crowd = load(url, CLIENTS)
        result["load"] = {
            "seconds": SECONDS,
            "alone": alone,
            f"{CLIENTS}_clients": crowd,
            "throughput_kept": round(crowd["done_per_second"] / alone["done_per_second"], 3),
            "memory_mib_before": memory // 2**20,
            "memory_mib_after": process.memory_info().rss // 2**20,
        }
    finally:
        server.terminate()
        server.wait()
    write_json(RESULT, result)
    print(json.dumps(result, indent=2))


def _address(server: Any) -> str:
    """Where a server that starts can be reached; its lines are shown."""
    for line in server.stdout:
        sys.stdout.write(line)
        if line.startswith("open "):
            return line.split()[1]
    sys.exit("error: the demo ended before it could be reached")


class Client:
    """One visitor, on one connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        host = address.hostname or ""
        self.connection = http.client.HTTPConnection(host, address.port, timeout=60)
        rng = np.random.default_rng(0)
        self.image = (rng.random((28, 28)) > 0.8).astype(float).tolist()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at a path."""
        self.connection.request("GET", path)
        return json.load(self.connection.getresponse())

    def ask(self, seed: int, models: list[str] | None = None) -> tuple[int, float]:
        """Status and milliseconds of one request, as the page makes it."""
        body = json.dumps({"image": self.image, "noise": NOISE, "seed": seed, "models": models})
        started = time.perf_counter()
        self.connection.request("POST", "/api/denoise", body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        response.read()
        return response.status, (time.perf_counter() - started) * 1000

    def latency(self, models: list[str] | None) -> dict[str, float]:
        """Milliseconds of a request when there is no other: median and 95th percentile."""
        answers = [self.ask(seed, models) for seed in range(REQUESTS + 5)][5:]
        if {status for status, _ in answers} != {200}:
            sys.exit("error: not every request was answered by 200")
        return _summary([milliseconds for _, milliseconds in answers])


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(milliseconds)), 1),
        "p95": round(float(np.percentile(milliseconds, 95)), 1),
    }


def in_the_page(url: str) -> dict[str, float]:
    """Milliseconds in Chromium from a stroke to the decoded images of all networks in the page."""
    options = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
    ]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    script = """async () => {
      const pad = document.getElementById("pad"), box = pad.getBoundingClientRect();
      const cards = document.getElementById("cards");
      const send = (type, x, y) => pad.dispatchEvent(new PointerEvent(type, {
        isPrimary: true, bubbles: true,
        clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
      pad.setPointerCapture = () => {};
      const x = 0.2 + 0.6 * Math.random(), y = 0.2 + 0.6 * Math.random();
      const started = performance.now(), answers = Number(cards.dataset.answers);
      send("pointerdown", x, y);
      send("pointerup", x, y);
      while (Number(cards.dataset.answers) === answers) {
        await new Promise((done) => setTimeout(done, 1));
      }
      await Promise.all([...cards.querySelectorAll("img")].map((image) => image.decode()));
      return performance.now() - started; }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = browser.new_page(viewport={"width": 1080, "height": 900}, color_scheme="light")
        page.goto(url)
        page.wait_for_selector("#cards figure")
        page.screenshot(path=STILL, full_page=True)
        times = [page.evaluate(script) for _ in range(REQUESTS // 4 + 5)][5:]
        browser.close()
    return _summary(times)


def load(url: str, count: int) -> dict[str, Any]:
    """What so many clients get done.

    Each asks again as soon as it is answered, after a pause if the answer was 503.
    """
    statuses: collections.Counter[int | str] = collections.Counter()
    accepted: list[float] = []
    lock = threading.Lock()
    end = time.perf_counter() + SECONDS

    def visit(seed: int) -> None:
        client = Client(url)
        status: int | str
        milliseconds = 0.0
        while time.perf_counter() < end:
            try:
                status, milliseconds = client.ask(seed)
            except (OSError, http.client.HTTPException) as error:
                status, client = type(error).__name__, Client(url)
            with lock:
                statuses[status] += 1
                if status == 200:
                    accepted.append(milliseconds)
            if status == 503:
                time.sleep(PAUSE)

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    return {
        "done_per_second": round(len(accepted) / took, 2),
        "milliseconds": _summary(accepted),
        "answers": {str(status): number for status, number in sorted(statuses.items())},
    }


if __name__ == "__main__":
    main()
