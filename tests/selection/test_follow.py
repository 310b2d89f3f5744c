"""Runs followed in a browser: what the server gives, and to whom."""

from __future__ import annotations

import http.client
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("optuna")
from cnnkit.errors import UsageError
from cnnkit.selection.view.follow import FollowedRuns, server_of
from cnnkit.training.store.directory import RunDirectory
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.kinds import SPLIT
from tests.cli.command import Run


def begun(path: Path, epochs: int, mark: str = SPLIT) -> RunDirectory:
    """A run of so many epochs, or of another kind by its mark."""
    spec = {"name": path.name, "input": "4", "layers": ["relu"]}
    run = RunDirectory.create(path, path.name, spec, Environment())
    (path / mark).write_text("{}")
    trained(run, epochs)
    return run


def trained(run: RunDirectory, epochs: int) -> None:
    run.write_metrics([RunEpoch(n, {"loss": 1 / n}, {"loss": 1 / n}) for n in range(1, epochs + 1)])


class Client:
    """Asks the server as a browser does."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, **headers: str) -> tuple[int, str, str]:
        """The status, the version and the text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=named)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert (
            answer.status == 304
            or "default-src 'none'" in answer.headers["Content-Security-Policy"]
        )
        return answer.status, answer.headers.get("ETag", ""), text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    begun(folder / "one", 2)
    begun(folder / "<b>two", 1)
    begun(folder / "search", 0, "results.json")
    return folder


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with server_of([folder], 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Client(server.server_address[1])
        server.shutdown()
        thread.join()


def test_the_list_leads_to_the_pages(client: Client, folder: Path) -> None:
    status, _, text = client.ask("/")
    assert status == 200
    assert "2 trainings, 0 of them running" in text
    links = re.findall(r'<a href="(/run/[^"]+)">', text)
    assert [link.rpartition("/")[2] for link in links] == ["%3Cb%3Etwo", "one", "search"]
    titles = []
    for link in links:
        status, _, page = client.ask(link)
        assert status == 200
        found = re.search("<h1>(.*?)</h1>", page)
        assert found is not None
        titles.append(found[1])
    assert titles == ["&lt;b&gt;two", "one", f"{folder / 'search'}"]
    assert "results.json is damaged" in page


def test_a_page_is_new_where_its_run_has_gone_on(client: Client, folder: Path) -> None:
    path = f"/run/{folder}/one"
    status, version, text = client.ask(path)
    assert (status, "2 epochs" in text) == (200, True)
    assert f'<script data-version="&quot;{version[1:-1]}&quot;">' in text
    assert client.ask(path, If_None_Match=version) == (304, "", "")
    trained(RunDirectory(folder / "one"), 3)
    status, later, text = client.ask(path, If_None_Match=version)
    assert (status, "3 epochs" in text, later != version) == (200, True, True)


def test_nothing_else_is_given_away(client: Client, folder: Path) -> None:
    (folder / "secret").mkdir()
    for path in ("/etc/passwd", f"/run/{folder}/secret", f"/run/{folder}/one/../one", "/run/"):
        status, version, text = client.ask(path)
        assert (status, version) == (404, "")
        assert "<h1>No such run</h1>" in text
    assert client.ask("/", Host="runs.example:80")[0] == 403
    assert client.ask("/", Host="localhost:1")[0] == 200


def test_what_is_deleted_is_listed_no_more(client: Client, folder: Path) -> None:
    path = f"/run/{folder}/one"
    assert client.ask(path)[0] == 200
    shutil.rmtree(folder / "one")
    assert client.ask(path)[0] == 404
    assert "1 training, 0 of them running" in client.ask("/")[2]
    shutil.rmtree(folder)
    status, _, text = client.ask("/")
    assert (status, "0 trainings, 0 of them running" in text) == (200, True)


def test_what_is_no_folder_is_refused(tmp_path: Path, run: Run) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*gone: `cnnkit train` makes it"):
        FollowedRuns([tmp_path / "gone"])
    done = run("report", "--serve", str(tmp_path), "--output", "page.html")
    assert done.code == 2
    assert done.err == (
        "cnnkit: --serve shows pages, and --output writes one: leave one of them out\n"
    )
