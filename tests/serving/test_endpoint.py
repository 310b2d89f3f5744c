"""The endpoint answers, refuses what it cannot take, and stays healthy."""

from __future__ import annotations

import io
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytest.importorskip("python_multipart", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
pytest.importorskip("safetensors", reason="the extra `export` is not installed")

from cnnkit.serving import application as applications
from cnnkit.serving.application import application
from cnnkit.serving.limits import Limits
from cnnkit.training.use.trained import Trained
from tests.serving.served import Answer, Client, served
from tests.training.asked import read_network, write_network

LIKELY = float(np.e**4 / (np.e**4 + 2))
LEFT, MIDDLE = [[[255], [0], [0]]], [[[0], [255], [0]]]
LIMITS = Limits(size=20_000, time=60.0, queue=4, examples=5, pixels=1_000, batch=8)


def png(lit: int) -> bytes:
    pixels = np.zeros((1, 3), np.uint8)
    pixels[0, lit] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def form(**files: bytes) -> tuple[bytes, dict[str, str]]:
    parts = [
        b'--edge\r\nContent-Disposition: form-data; name="images"; filename="%s.png"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in files.items()
    ]
    return b"".join(parts) + b"--edge--\r\n", {"Content-Type": "multipart/form-data; boundary=edge"}


def classes(answer: Answer) -> list[str | None]:
    assert answer.status == 200, answer.body
    return [each["class"] for each in answer.json["predictions"]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("serving")
    write_network(folder)
    return read_network(folder)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[Client]:
    with served(application(trained, "bars", LIMITS)) as found:
        yield found


class Gate:
    """A network that computes nothing before it is opened."""

    def __init__(self, *, warm: bool = True) -> None:
        self.open = threading.Event()
        self.warm = warm  # whether the batches before the first request pass
        self.calls = 0

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        self.calls += 1
        if not (self.warm and self.calls <= len((1, 8))):
            assert self.open.wait(60)
        return np.tile(np.array([0.7, 0.2, 0.1], np.float32), (len(inputs), 1))


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(applications, "compiled", lambda _: (made, 1))
    return made


def test_json_images_and_forms_are_answered(client: Client) -> None:
    one = client.json({"inputs": MIDDLE})
    assert one.status == 200
    (found,) = one.json["predictions"]
    assert (found["file"], found["class"], found["error"]) == ("inputs[0]", "middle", None)
    assert found["predictions"][0] == {"name": "middle", "value": pytest.approx(LIKELY)}
    assert len(found["predictions"]) == 3
    assert classes(client.json({"inputs": [LEFT, MIDDLE]})) == ["left", "middle"]
    assert classes(client.image(png(2))) == ["right"]
    binary = client.ask("/predict", png(0), {"Content-Type": "application/octet-stream"})
    assert classes(binary) == ["left"]
    several = client.ask("/predict?top=1", *form(a=png(1), b=png(2)))
    assert classes(several) == ["middle", "right"]
    assert [each["file"] for each in several.json["predictions"]] == ["a.png", "b.png"]
    assert [len(each["predictions"]) for each in several.json["predictions"]] == [1, 1]


def test_a_wrong_image_does_not_end_the_others(client: Client) -> None:
    answer = client.ask("/predict", *form(a=png(1), bad=b"no image"))
    assert classes(answer) == ["middle", None]
    assert answer.json["predictions"][1]["error"].startswith("bad.png is no image that can be")
    alone = client.image(b"no image")
    assert alone.status == 422
    assert alone.json["error"].startswith("image is no image that can be read, or is damaged")


def test_an_image_of_16_bits_is_decoded_from_memory(client: Client) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 65535, 0]], np.uint16)).save(stream, "PNG")
    answer = client.image(stream.getvalue())
    assert answer.status == 422
    assert answer.json["error"].startswith("image has values from 0 to 65535 (uint16), and the run")


@pytest.mark.parametrize(
    ("body", "kind", "status", "told"),
    [
        (b"{", "application/json", 400, "the body is no JSON: Expecting property name"),
        (b"\xff\xfe\x00", "application/json", 400, "the body is no JSON: "),
        (b'{"inputs": ' + b"[" * 9000, "application/json", 400, "the body is no JSON: "),
        (b"[]", "application/json", 422, 'the JSON is not such as {"inputs": [[…], …]}'),
        (b'{"inputs": [[1], [1, 2]]}', "application/json", 422, "the inputs are of unequal"),
        (b'{"inputs": "abc"}', "application/json", 422, "the inputs are no array of numbers"),
        (b'{"inputs": []}', "application/json", 422, "the inputs are no array of numbers"),
        (b'{"inputs": [[[NaN],[0],[0]]]}', "application/json", 422, "the inputs hold NaN or inf"),
        (b'{"inputs": [[[1e99],[0],[0]]]}', "application/json", 422, "the inputs hold "),
        (b'{"inputs": [1, 2, 3]}', "application/json", 422, "the network takes inputs of shape"),
        (b"x", "text/plain", 415, "the body is of type text/plain: send application/json, "),
        (b"", "", 415, "the body is of type unsaid: send application/json, "),
        (b"x", "multipart/form-data", 400, "the form cannot be read: "),
        (b"x", "multipart/form-data; boundary=edge", 400, "the form cannot be read: "),
        (b"--edge--\r\n", "multipart/form-data; boundary=edge", 422, "the form has no file: "),
        (b"", "image/png", 422, "image is no image that can be read"),
    ],
)
def test_garbage_is_refused(client: Client, body: bytes, kind: str, status: int, told: str) -> None:
    answer = client.ask("/predict", body, {"Content-Type": kind} if kind else {})
    assert (answer.status, answer.json["error"][: len(told)]) == (status, told)
    assert classes(client.json({"inputs": LEFT})) == ["left"]


def test_what_the_network_has_no_number_for_is_refused(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(inputs: np.ndarray) -> np.ndarray:
        """NaN where the left pixel is lit."""
        return np.where(inputs[:, :1, 0, 0] > 0, np.nan, np.array([[0.7, 0.2, 0.1]], np.float32))

    monkeypatch.setattr(applications, "compiled", lambda _: (lost, 1))
    told = "inputs[0]: the network gives NaN or infinite values for it, "
    with served(application(trained, "bars", LIMITS)) as client:
        answer = client.json({"inputs": LEFT})
        assert (answer.status, answer.json["error"][: len(told)]) == (422, told)
        answer = client.json({"inputs": [LEFT, MIDDLE]})
        assert classes(answer) == [None, "left"]
        assert answer.json["predictions"][0]["error"].startswith(told)


def test_random_bytes_leave_it_healthy(client: Client) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", client.port), timeout=60) as connection:
            connection.sendall(random.bytes(200) + b"\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert client.ask("/health") == (200, b"ok\n")
    assert classes(client.json({"inputs": LEFT})) == ["left"]


def test_what_is_too_large_is_refused(client: Client) -> None:
    told = "the body has more than 20,000 bytes, the limit"
    declared = client.image(b"x" * 20_001)
    assert (declared.status, declared.json["error"]) == (413, told)
    in_pieces = client.ask("/predict", iter([b"x" * 9_000] * 3), {"Content-Type": "image/png"})
    assert (in_pieces.status, in_pieces.json["error"]) == (413, told)
    stream = io.BytesIO()
    Image.new("L", (101, 10)).save(stream, "PNG")
    unpacked = client.image(stream.getvalue())
    assert (unpacked.status, unpacked.json["error"]) == (
        422,
        "image would unpack to more than 1,000 pixels",
    )
    many = client.json({"inputs": [LEFT] * 6})
    assert (many.status, many.json["error"]) == (413, "6 inputs are more than the 5 of a request")
    files = client.ask("/predict", *form(**{str(each): png(0) for each in range(6)}))
    assert files.status == 413
    assert files.json["error"].startswith("the form cannot be read: Too many files")
    assert client.json({"inputs": LEFT}, "/predict?top=0").json == {
        "error": "top=0: give a whole number from 1 on"
    }


def test_other_paths_and_methods(client: Client) -> None:
    assert client.ask("/nowhere") == (404, b'{"error":"Not Found"}')
    assert client.ask("/predict").status == 405


def test_clients_that_are_killed_leave_it_healthy(client: Client) -> None:
    body = json.dumps({"inputs": LEFT}).encode()
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    before = client.metric('cnnkit_requests_total{status="499"}')
    for sent in (whole[:40], whole[:-5], whole[:-5], whole):
        connection = socket.create_connection(("127.0.0.1", client.port), timeout=60)
        connection.sendall(sent)
        # Closed so that the other side is told at once that no one is there.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if sent == whole[:-5]:
            client.until(lambda: client.metric("cnnkit_active_requests") > 0)
        connection.close()
        client.until(lambda: client.metric("cnnkit_active_requests") == 0)
    assert client.metric('cnnkit_requests_total{status="499"}') == before + 2
    assert classes(client.json({"inputs": LEFT})) == ["left"]


def test_a_full_queue_is_told_and_empties(trained: Trained, gate: Gate) -> None:
    with served(application(trained, "bars", LIMITS)) as client, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(client.json, {"inputs": LEFT}) for _ in range(LIMITS.queue)]
        try:
            client.until(lambda: client.metric("cnnkit_active_requests") == LIMITS.queue)
            for _ in range(3):
                refused = client.json({"inputs": LEFT})
                assert (refused.status, refused.json["error"]) == (
                    429,
                    "4 requests are waiting, and no more are taken: try again later",
                )
            assert client.ask("/health").status == 200
        finally:
            gate.open.set()
        assert [classes(each.result()) for each in waiting] == [["left"]] * 4
        assert classes(client.json({"inputs": LEFT})) == ["left"]
        assert client.metric('cnnkit_requests_total{status="429"}') == 3


def test_what_takes_too_long_is_ended(trained: Trained, gate: Gate) -> None:
    limits = Limits(time=0.3, batch=8)
    with served(application(trained, "bars", limits)) as client:
        try:
            late = client.json({"inputs": LEFT})
            assert (late.status, late.json["error"]) == (
                504,
                "there was no answer within 0.3 seconds",
            )
            with socket.create_connection(("127.0.0.1", client.port), timeout=60) as connection:
                connection.sendall(
                    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
                )
                answer = connection.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"the body did not come within 0.3 seconds" in answer
            assert client.metric("cnnkit_active_requests") == 0
            assert client.metric("cnnkit_waiting_examples") == 0
        finally:
            gate.open.set()


def test_it_is_healthy_before_it_is_ready(trained: Trained, gate: Gate) -> None:
    gate.warm = False
    with served(application(trained, "bars", LIMITS), ready=False) as client:
        try:
            assert client.ask("/health") == (200, b"ok\n")
            assert client.ask("/ready") == (503, b"the network is not ready yet\n")
            assert client.json({"inputs": LEFT}).status == 503
        finally:
            gate.open.set()
        client.until_ready()
        assert classes(client.json({"inputs": LEFT})) == ["left"]


def test_a_network_that_cannot_be_computed_is_told(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def compute(inputs: Any) -> Any:
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory\nmore")

    monkeypatch.setattr(applications, "compiled", lambda _: (compute, 1))
    told = "the network cannot be computed: RESOURCE_EXHAUSTED: out of memory"
    with served(application(trained, "bars", LIMITS), ready=False) as client:
        client.until(lambda: client.ask("/health").status == 503)
        assert client.ask("/ready") == (503, f"{told}\n".encode())
        assert client.json({"inputs": LEFT}).json == {"error": told}
    assert capfd.readouterr().err == f"cnnkit: {told}\n"


def test_the_interface_is_described(client: Client) -> None:
    described = client.ask("/openapi.json").json
    assert described["openapi"] == "3.1.0"
    for path in described["paths"]:
        assert client.ask(path).status == (405 if path == "/predict" else 200), path
    codes = set(described["paths"]["/predict"]["post"]["responses"])
    assert {"200", "400", "408", "413", "415", "422", "429", "503", "504"} == codes
    import jsonschema

    schemas = {
        **described["components"]["schemas"]["Predictions"],
        "components": described["components"],
    }
    jsonschema.validate(client.json({"inputs": LEFT}).json, schemas)
    body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    jsonschema.validate({"inputs": LEFT}, body["schema"])
    jsonschema.validate({"inputs": [LEFT] * 5}, body["schema"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"inputs": [LEFT] * 6}, body["schema"])


def test_the_page_needs_no_other_host(client: Client) -> None:
    page = client.ask("/").body.decode()
    assert "<h1>bars</h1>" in page
    assert "POST /predict" in page
    assert not re.search(r"<script|(src|href)=\"(?!openapi\.json)|url\(|@import|https?:", page)


def test_requests_are_counted(client: Client) -> None:
    before = client.metric("cnnkit_examples_total")
    client.json({"inputs": [LEFT, MIDDLE]})
    assert client.metric("cnnkit_examples_total") == before + 2
    text = client.ask("/metrics").body.decode()
    assert "# TYPE cnnkit_requests_total counter" in text
    assert "# TYPE cnnkit_request_seconds histogram" in text


def test_a_name_of_a_file_may_be_anything(client: Client) -> None:
    answer = client.ask("/predict", *form(**{"../..\\a\x1b<b>": png(1)}))
    assert classes(answer) == ["middle"]
