"""The files for Slurm and Kubernetes: the seeds that are missing, one index each, and nothing that can vary."""

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from bitforbit.errors import UsageError
from bitforbit.replicates import contract, kubernetes, slurm

IMAGE = "registry.example/bitforbit@sha256:" + "0" * 64
SCHEMA = json.loads((Path(__file__).parent / "data" / "kubernetes-job-1.31.json").read_text())


CPU, GPU = (2, "cpu", 1, "float32", False), (2, "gpu", 1, "float32", False)


def task(root, policy=CPU):
    return contract.Task("digits", "digits", ("epochs=2", 'name=a "b"'), policy, str(root), "ab" * 32)


def manifest(root, policy=CPU, image=IMAGE):
    return kubernetes.manifest(task(root, policy), [0, 1, 2, 5], image, "runs", 10)


@pytest.mark.parametrize("policy", [CPU, GPU])
def test_the_job_is_valid(tmp_path, policy):
    jsonschema.validate(manifest(tmp_path, policy), SCHEMA)


@pytest.mark.parametrize(
    "damage",
    [
        lambda job: job["spec"].update(backoffLimitPerindex=3),
        lambda job: job["spec"].update(completions="4"),
        lambda job: job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"].pop("operator"),
        lambda job: job["spec"]["template"]["spec"]["containers"][0].pop("name"),
    ],
)
def test_the_schema_can_refuse(tmp_path, damage):
    job = manifest(tmp_path)
    damage(job)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, SCHEMA)


def test_what_the_job_says(tmp_path):
    job = manifest(tmp_path, GPU)
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 4, 4)
    assert (spec["backoffLimitPerIndex"], spec["podReplacementPolicy"]) == (3, "Failed")
    assert spec["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [2, 3]
    (container,) = spec["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["args"] == [
        "replicate", "digits", "--set", "epochs=2", "--set", 'name=a "b"', "--pool-size", "2", "--device", "gpu", "--gpus", "1", "--precision", "float32", "--runs", "/runs",
        "--seeds", "0-2,5", "--index", "$(JOB_COMPLETION_INDEX)",
    ]  # fmt: skip
    assert job["metadata"]["name"] == "bitforbit-digits-abababababab"


@pytest.mark.parametrize("image", [None, "bitforbit:cpu", "bitforbit@sha256:12"])
def test_an_image_without_digest_is_refused(tmp_path, image):
    with pytest.raises(UsageError, match="expected an image by its digest, received "):
        manifest(tmp_path, image=image)


def test_the_sbatch_script(tmp_path):
    path = slurm.write(task(tmp_path), [0, 1, 2, 5], ["--partition=long"], ["bitforbit"])
    lines = path.read_text().splitlines()
    assert path == tmp_path / "digits" / "abababababab" / "replicates.sbatch"
    assert lines[0] == "#!/bin/sh"
    assert "#SBATCH --array=0-3" in lines
    assert "#SBATCH --requeue" in lines
    assert "#SBATCH --partition=long" in lines
    assert shlex.split(lines[-1]) == [
        "exec", "bitforbit", "replicate", "digits", "--set", "epochs=2", "--set", 'name=a "b"', "--pool-size", "2",
        "--device", "cpu", "--runs", str(tmp_path), "--seeds", "0-2,5", "--index", "$SLURM_ARRAY_TASK_ID",
    ]  # fmt: skip
