"""Imports the networks of others, one after another, and prints the tables of
docs/reference/importing.md: ``python -m tests.importing.table RESULTS.jsonl [keras timm …]``.

Each network has a process of its own, with a limit of time and of memory; what came of it is a line
of the file, and one that has a line is not run again. It needs torchvision, timm and onnxscript, or
the packages of those tables alone that are asked for.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cnnkit.errors import SpecError
from tests.importing.networks import NETWORKS, versions, ways

Row = dict[str, Any]


def measured(package: str, name: str) -> Row:
    """What comes of a network."""
    row: Row = {"package": package, "name": name, "versions": versions(package), "ways": []}
    with TemporaryDirectory() as folder:
        try:
            for way in ways(package, name, Path(folder)):
                imported = way.imported
                row["ways"].append(
                    {
                        "way": way.name,
                        "lines": len(imported.text.splitlines()),
                        "parameters": imported.parameters,
                        "source": way.parameters,
                        "difference": way.difference,
                    }
                )
        except SpecError as error:
            row["refused"] = [finding.message for finding in error.findings]
        except Exception as error:
            row["failed"] = f"{type(error).__name__}: {error}"[:2000]
    return row


def _in_a_process(package: str, name: str, options: argparse.Namespace) -> Row:
    """What comes of a network in a process of its own."""
    command = [sys.executable, "-m", "tests.importing.table", "-", f"{package}:{name}"]
    command += ["--memory", str(options.memory)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=options.seconds, check=False
        )
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        failed = f"not done in {options.seconds} s"
    except (IndexError, ValueError):
        failed = f"ended by {done.returncode}: {done.stderr[-1000:]}"
    return {"package": package, "name": name, "ways": [], "failed": failed}


def _read(path: Path) -> dict[tuple[str, str], Row]:
    rows = map(json.loads, path.read_text().splitlines() if path.exists() else ())
    return {(row["package"], row["name"]): row for row in rows}


def tables(rows: Sequence[Row]) -> str:
    """The tables, a package each."""
    made = []
    for package in dict.fromkeys(row["package"] for row in rows):
        own = [row for row in rows if row["package"] == package]
        said = [row for row in own if row["ways"]]
        made.append(f"## {own[0].get('versions', package)}\n")
        made.append("| network | ways | lines | parameters | difference |\n|---|---|--:|--:|--:|")
        made += [_line(row) for row in sorted(said, key=lambda row: str(row["name"]))]
        for row in own:
            for message in row.get("refused", [row["failed"]] if "failed" in row else []):
                made.append(f"\n`{row['name']}`: {message}")
        made.append("")
    return "\n".join(made)


def _line(row: Row) -> str:
    found = row["ways"]
    lines = dict.fromkeys(str(way["lines"]) for way in found)
    names = ", ".join(way["way"] for way in found)
    worst = max(way["difference"] for way in found)
    shown = " or ".join(dict.fromkeys(f"{way['parameters']:,}" for way in found))
    return f"| `{row['name']}` | {names} | {', '.join(lines)} | {shown} | {worst:.1e} |"


def _chosen(wanted: Sequence[str]) -> list[tuple[str, str]]:
    """The networks of packages, or single ones, ``keras:VGG16``; those of all in turn."""
    named = [tuple(each.split(":")) for each in wanted if ":" in each]
    packages: Mapping[str, Sequence[str]] = {
        package: names for package, names in NETWORKS.items() if package in wanted or not wanted
    }
    longest = max(map(len, packages.values()), default=0)
    turns = [
        (package, names[at])
        for at in range(longest)
        for package, names in packages.items()
        if at < len(names)
    ]
    return [(each[0], each[1]) for each in named] + turns


def main() -> int:
    """Runs what has no line yet, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", help="a file of JSON lines; `-` prints one network's")
    parser.add_argument("wanted", nargs="*", help="packages, or networks: keras:VGG16; else all")
    parser.add_argument("--seconds", type=int, default=600, help="the limit of a network")
    parser.add_argument("--memory", type=int, default=9, help="the limit of a network, in GiB")
    parser.add_argument("--again", action="store_true", help="run what failed again")
    options = parser.parse_args()
    if options.results == "-":
        limit = options.memory * 2**30
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        ((package, name),) = _chosen(options.wanted)
        print(json.dumps(measured(package, name)))
        return 0
    path = Path(options.results)
    known = _read(path)
    for package, name in _chosen(options.wanted):
        row = known.get((package, name))
        if row is None or (options.again and {"failed", "refused"} & row.keys()):
            row = _in_a_process(package, name, options)
            known[package, name] = row
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print(tables(list(known.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
