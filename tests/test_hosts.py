"""The promise: one config and seed, one `result.json`, whatever the host around it looks like."""

import os
import subprocess
from pathlib import Path

import pytest
from support import IMAGE, bitforbit

# Few epochs: every kernel, shape and epoch boundary is reached, and the whole file stays within minutes.
SHORT = {"sequence": "epochs=10", "digits": "epochs=2", "solubility": "epochs=2", "peptides": "epochs=1"}
DOCKER = os.environ.get("DOCKER", "/usr/bin/docker")
HARDENED = ("--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")


def published(root: Path) -> bytes:
    (path,) = root.glob("*/*/seed-1/result.json")
    return path.read_bytes()


def native(root: Path, experiment: str, *extra, **options) -> bytes:
    done = bitforbit("train", experiment, "--set", SHORT[experiment], "--runs", root, *extra, **options)
    assert done.returncode == 0, done.stderr
    return published(root)


def container(root: Path, experiment: str, *flags) -> bytes:
    root.mkdir(exist_ok=True)
    command = [DOCKER, "run", "--rm", *flags, f"--volume={root}:/runs", IMAGE]
    command += ["train", experiment, "--set", SHORT[experiment]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return published(root)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """One native run of each experiment, made when first asked for."""
    found: dict[str, bytes] = {}

    def of(experiment: str) -> bytes:
        if experiment not in found:
            found[experiment] = native(tmp_path_factory.mktemp(experiment), experiment)
        return found[experiment]

    return of


def test_twice_in_two_processes(reference, tmp_path):
    assert native(tmp_path, "digits") == reference("digits")


def test_on_one_core(reference, tmp_path):
    assert native(tmp_path, "peptides", prefix=("taskset", "-c", "0")) == reference("peptides")


def test_under_another_environment(reference, tmp_path):
    """Everything that a caller may have set otherwise, at once."""
    (tmp_path / "home" / ".keras").mkdir(parents=True)
    (tmp_path / "home" / ".keras" / "keras.json").write_text(
        '{"floatx": "float64", "epsilon": 0.001, "backend": "jax"}'
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    old = os.umask(0o077)
    try:
        found = native(
            tmp_path / "runs", "solubility", prefix=("nice", "-n", "5"), cwd=elsewhere, TZ="Asia/Kathmandu", LC_ALL="C",
            LANG="tr_TR.UTF-8", HOME=str(tmp_path / "home"), PYTHONHASHSEED="4711", OMP_NUM_THREADS="7",
            TF_NUM_INTRAOP_THREADS="5", ONEDNN_MAX_CPU_ISA="SSE41", TF_ENABLE_ONEDNN_OPTS="1",
            NPY_DISABLE_CPU_FEATURES="X86_V3", MALLOC_PERTURB_="165",
        )  # fmt: skip
    finally:
        os.umask(old)
    assert found == reference("solubility")


@pytest.mark.docker
@pytest.mark.parametrize("experiment", SHORT)
def test_in_the_container(reference, tmp_path, experiment):
    """Another distribution, libc and Python: the image against this machine's own."""
    assert container(tmp_path / "runs", experiment) == reference(experiment)


@pytest.mark.docker
@pytest.mark.parametrize(
    "flags",
    [
        ("--cpuset-cpus=0", "--hostname=another", "--env=TZ=America/New_York"),
        ("--cpus=0.5", "--env=PYTHONHASHSEED=random", "--env=LC_ALL=C"),
        (*HARDENED, "--user=4242:4242"),
    ],
    ids=["one core, other name and zone", "half a core, other hash seed and locale", "hardened, other user"],
)
def test_in_a_container_with(reference, tmp_path, flags):
    root = tmp_path / "runs"
    root.mkdir()
    root.chmod(0o777)
    assert container(root, "digits", *flags) == reference("digits")


def test_ten_seeds_give_ten_scores_and_the_same_ten_again(tmp_path):
    """The tutorial's demonstration: its ten runs differ by seed; ours repeat to the last digit."""
    import json
    from concurrent.futures import ThreadPoolExecutor

    def score(root, seed):
        done = bitforbit("train", "sequence", "--seed", seed, "--runs", root, "--json", "--set", "epochs=3")
        assert done.returncode == 0, done.stderr
        return repr(json.loads(done.stdout)["result"]["metrics"]["loss"])

    roots = [tmp_path / name for name in ("first", "second") for _ in range(10)]
    # Two at once: each mostly imports, in one thread.
    with ThreadPoolExecutor(2) as pool:
        scores = list(pool.map(score, roots, [*range(10)] * 2))
    assert len(set(scores[:10])) == 10
    assert scores[10:] == scores[:10]


@pytest.mark.parametrize("experiment", [name for name in SHORT if name != "sequence"])
def test_another_seed_is_another_result(reference, tmp_path, experiment):
    import json

    done = bitforbit("train", experiment, "--set", SHORT[experiment], "--seed", 2, "--runs", tmp_path, "--json")
    found = json.loads(done.stdout)["result"]
    expected = json.loads(reference(experiment))
    assert found["data"] == expected["data"]
    assert found["weights"] != expected["weights"]
    assert found["epochs"][0]["weights"] != expected["epochs"][0]["weights"]
