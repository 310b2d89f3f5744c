"""A client of a language server, as small as an editor can be: it opens texts and asks."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TIMEOUT = 60
MARK = "|"


class Client:
    """A running server, its documents, and what it says of them."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self.answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.diagnostics: dict[str, queue.Queue[list[dict[str, Any]]]] = {}
        self.process = subprocess.Popen(
            [*command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        threading.Thread(target=self._listen, daemon=True).start()
        markdown = {"documentationFormat": ["markdown"], "snippetSupport": True}
        capabilities = {
            "textDocument": {
                "completion": {"completionItem": markdown},
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {},
            },
        }
        self.request(
            "initialize",
            {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities},
        )
        self.notify("initialized", {})

    def close(self) -> None:
        self.request("shutdown", None)
        self.notify("exit", None)
        self.process.wait(TIMEOUT)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()

    def open(self, text: str) -> str:
        """Opens a text as a file of the folder, and gives its URI."""
        uri = (self.folder / f"{len(self.diagnostics)}.yaml").as_uri()
        self.diagnostics[uri] = queue.Queue()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def problems_of(self, uri: str) -> list[dict[str, Any]]:
        """What the server finds wrong in an open text."""
        return self.diagnostics[uri].get(timeout=TIMEOUT)

    def problems(self, text: str) -> list[tuple[str, str]]:
        """What the server finds wrong in a text: the words at fault, and the message."""
        lines = text.splitlines()
        found = []
        for each in self.problems_of(self.open(text)):
            start, end = each["range"]["start"], each["range"]["end"]
            stop = end["character"] if end["line"] == start["line"] else None
            found.append((lines[start["line"]][start["character"] : stop], each["message"]))
        return found

    def completion(self, marked: str) -> dict[str, str]:
        """What the server offers where a text has its mark: what is inserted, by label."""
        answer = self._ask("textDocument/completion", marked)
        labels = [item["label"] for item in answer["items"]]
        assert len(labels) == len(set(labels)), sorted(labels)
        return {item["label"]: item["textEdit"]["newText"] for item in answer["items"]}

    def hover(self, marked: str) -> str:
        """What the server says of the word at the mark of a text."""
        answer = self._ask("textDocument/hover", marked)
        return str(answer["contents"]["value"]) if answer else ""

    def _ask(self, method: str, marked: str) -> Any:
        before, after = marked.split(MARK)
        uri = self.open(before + after)
        self.problems_of(uri)  # an answer before the schema is loaded would be empty
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return self.request(method, {"textDocument": {"uri": uri}, "position": position})

    def request(self, method: str, params: object) -> Any:
        number = len(self.answers) + 1
        self.answers[number] = queue.Queue()
        self._send({"id": number, "method": method, "params": params})
        answer = self.answers[number].get(timeout=TIMEOUT)
        assert "error" not in answer, answer
        return answer["result"]

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self._receive(json.loads(stream.read(length)))

    def _receive(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self.answers[message["id"]].put(message)
        elif method == "textDocument/publishDiagnostics":
            params = message["params"]
            self.diagnostics[params["uri"]].put(params["diagnostics"])
        elif "id" in message:  # a request of the server
            self._send({"id": message["id"], "result": None})
