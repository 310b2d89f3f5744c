"""``cnnkit serve`` under load on the loopback: 1,000 requests, 32 at once.

The bars: no request fails, and the 99th percentile of the times is within 3 times the median.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import environment, heading, machine, milliseconds, table, versions
from PIL import Image

REQUESTS, AT_ONCE, QUICK = 1_000, 32, 64
BAR = 3.0
SPEC = """
input: 8x8x1
layers:
  - conv: {filters: 16, kernel: 3, padding: same}
  - relu
  - conv: {filters: 32, kernel: 3, stride: 2, padding: same}
  - relu
  - flatten
  - dense: {units: 10}
train: {data: digits, epochs: 1}
"""


def main() -> None:
    """Trains a small network, serves it in a process of its own, and asks it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="few requests, to see that it runs")
    options = parser.parse_args()
    requests = QUICK if options.quick else options.requests
    with tempfile.TemporaryDirectory() as name:
        run = _run(Path(name))
        command = [sys.executable, "-m", "cnnkit", "serve", str(run), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        try:
            assert server.stdout is not None
            found = re.search(r":(\d+);", server.stdout.readline())
            assert found is not None, "the server did not begin"
            port = int(found[1])
            asyncio.run(_until_ready(port))
            asyncio.run(_asked(port, options.at_once * 4, options.at_once))  # not counted
            begun = time.perf_counter()
            answers = asyncio.run(_asked(port, requests, options.at_once))
            taken = time.perf_counter() - begun
        finally:
            server.terminate()
            server.wait()
    failed = sum(status != 200 for status, _ in answers)
    median, late = np.percentile([seconds for _, seconds in answers], [50, 99])
    ratio = late / median
    facts = machine() | versions("cnnkit", "jax", "starlette", "uvicorn")
    if options.json:
        figures = {"requests": requests, "at_once": options.at_once, "failed": failed}
        figures |= {"p50": median, "p99": late, "ratio": ratio, "rate": requests / taken}
        print(json.dumps({"machine": facts, "serving": figures}, indent=2))
        return
    print(f"{heading(facts)}; {requests:,} requests, {options.at_once} at once\n")
    rows = [["median", milliseconds(median)], ["99th percentile", milliseconds(late)]]
    print(table(["", "time"], [*rows, ["requests a second", f"{requests / taken:,.0f}"]]))
    verdict = "within" if ratio <= BAR else "ABOVE"
    print(f"\nfailed {failed}; ratio {ratio:.3f}, {verdict} the bar of {BAR}")


def _run(folder: Path) -> Path:
    from cnnkit.training import train
    from cnnkit.training.view.display import Quiet

    (folder / "spec.yaml").write_text(SPEC)
    return train(folder / "spec.yaml", run_dir=folder / "run", display=Quiet()).path


async def _until_ready(port: int) -> None:
    request = b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        if answer.startswith(b"HTTP/1.1 200"):
            return
        await asyncio.sleep(0.05)


async def _asked(port: int, requests: int, at_once: int) -> list[tuple[int, float]]:
    """The status and the time of each request, over connections that are kept."""
    random = np.random.default_rng(0)
    images = []
    for _ in range(16):
        stream = io.BytesIO()
        pixels = random.integers(0, 17, (8, 8)).astype(np.uint8)
        Image.fromarray(pixels * 15).save(stream, "PNG")
        images.append(stream.getvalue())
    left = iter(range(requests))
    found: list[tuple[int, float]] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            body = images[number % len(images)]
            head = (
                "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: "
            )
            begun = time.perf_counter()
            writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
            status, length = 0, 0
            while (line := await reader.readline()) not in (b"\r\n", b""):
                if line.startswith(b"HTTP/1.1 "):
                    status = int(line.split()[1])
                elif line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            await reader.readexactly(length)
            found.append((status, time.perf_counter() - begun))
        writer.close()

    await asyncio.gather(*(client() for _ in range(at_once)))
    return found


if __name__ == "__main__":
    main()
