"""The recipes for clusters: scripts that bash reads, a JobSet whose parts fit, known options."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cnnkit.cli import application

PAGE = (Path(__file__).parents[1] / "docs/how-to/cluster.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MANIFESTS = re.findall(r"^```yml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def jobset() -> dict[str, Any]:
    (found,) = [yaml.safe_load(text) for text in MANIFESTS if "kind: JobSet" in text]
    assert isinstance(found, dict)
    return found


def pod() -> dict[str, Any]:
    (workers,) = jobset()["spec"]["replicatedJobs"]
    found: dict[str, Any] = workers["template"]["spec"]["template"]["spec"]
    return found


def scripts() -> list[str]:
    (container,) = pod()["containers"]
    return [*SCRIPTS, *container["args"]]


def test_the_page_has_a_recipe_for_each_cluster() -> None:
    assert len(SCRIPTS) == 3
    assert len(scripts()) == 4


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("script", scripts(), ids=["Slurm", "TPU", "SSH", "JobSet"])
def test_bash_reads_each_script(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_options_of_training_are_there() -> None:
    train = get_command(application(["train"])).commands["train"]  # type: ignore[attr-defined]
    known = {name for parameter in train.params for name in parameter.opts}
    text = "\n".join(scripts()).replace("\\\n", " ")
    calls = re.findall(r"cnnkit train (.*?)(?:\"$|&$|$)", text, re.MULTILINE)
    used = {option for call in calls for option in re.findall(r"--[\w-]+", call)}
    assert len(calls) == 6
    assert {"--resume", "--run-dir", "--coordinator", "--processes", "--process-id"} == used
    assert used <= known
    variables = {each.envvar for each in train.params}
    (container,) = pod()["containers"]
    given = {each["name"] for each in container["env"]} - {"ATTEMPT"}
    assert given == {"CNNKIT_COORDINATOR", "CNNKIT_PROCESSES", "CNNKIT_PROCESS_ID"}
    assert given <= variables


def test_the_options_of_slurm_say_as_many_tasks_as_gpus() -> None:
    (script,) = [each for each in SCRIPTS if "#SBATCH" in each]
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", script, re.MULTILINE))
    assert options["ntasks-per-node"] == options["gpus-per-node"]
    assert options["signal"] == "USR1@120"  # to the tasks, not to the script alone (`B:`)


def test_the_parts_of_the_jobset_fit() -> None:
    """The first pod is JOBSET-JOB-0-0 under the set's own name, and all have a number."""
    found = jobset()
    assert found["apiVersion"] == "jobset.x-k8s.io/v1alpha2"
    (workers,) = found["spec"]["replicatedJobs"]
    job = workers["template"]["spec"]
    assert job["parallelism"] == job["completions"]
    assert job["completionMode"] == "Indexed"
    (container,) = pod()["containers"]
    variables = {each["name"]: each for each in container["env"]}
    name, port = found["metadata"]["name"], container["ports"][0]["containerPort"]
    coordinator = f"{name}-{workers['name']}-0-0.{name}:{port}"
    assert variables["CNNKIT_COORDINATOR"]["value"] == coordinator
    assert variables["CNNKIT_PROCESSES"]["value"] == str(job["parallelism"])
    assert {each["name"] for each in container["volumeMounts"]} == {
        each["name"] for each in pod()["volumes"]
    }
