"""Recipes of docs/gpu.md: the compose file, the pod and the batch script are what their own tools accept."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import IMAGE, IN_CI, PROJECT

COMPOSE = PROJECT / "docker/compose.yaml"
POD = PROJECT / "docker/cluster/pod.yaml"
BATCH = PROJECT / "docker/cluster/slurm.sbatch"
BIN = Path(sys.executable).parent


def check(*command) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_fits_the_compose_specification():
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_a_compose_file_that_does_not_fit_is_seen(tmp_path):
    (tmp_path / "compose.yaml").write_text(COMPOSE.read_text().replace("capabilities: [gpu]", "capabilities: gpu"))
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yaml"]
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_the_pod_fits_kubernetes_schema_and_asks_for_one_gpu():
    import kubernetes_validate
    import yaml

    pod = yaml.safe_load(POD.read_text())
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert (
        pod["spec"]["securityContext"]["runAsNonRoot"] and not container["securityContext"]["allowPrivilegeEscalation"]
    )
    with pytest.raises(kubernetes_validate.ValidationError):
        pod["spec"]["containers"][0]["imagePullPolicy"] = 1
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)


def test_the_batch_script_passes_shellcheck_and_bash():
    check(BIN / "shellcheck", BATCH)
    check("bash", "-n", BATCH)


def test_the_docs_name_every_recipe():
    text = (PROJECT / "docs/gpu.md").read_text()
    for path in (COMPOSE, POD, BATCH):
        assert f"(../{path.relative_to(PROJECT)})" in text


@pytest.mark.docker
def test_compose_really_runs_the_cpu_service(tmp_path):
    compose = shutil.which("docker-compose")
    command = [compose] if compose else ["docker", "compose"]
    if subprocess.run([*command, "version"], capture_output=True).returncode:
        (pytest.fail if IN_CI else pytest.skip)("no compose (apt-get install docker-compose)")
    check("chmod", "0777", tmp_path)
    environment = {"PATH": "/usr/bin:/bin", "BITFORBIT_RUNS": str(tmp_path), "BITFORBIT_CPU_IMAGE": IMAGE}
    shared = ["-p", "bitforbit-test", "-f", COMPOSE]
    assert subprocess.run([*command, *shared, "config"], env=environment, capture_output=True).returncode == 0
    train = ["run", "--rm", "cpu", "train", "sequence", "--set", "epochs=1"]
    done = subprocess.run([*command, *shared, *train], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("sequence/*/seed-1/result.json"))
