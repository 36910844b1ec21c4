"""Every engine ends with the digests of `bitforbit train`: `make test-engines`, and `make test-slurm` for Slurm alone."""

import json
import subprocess

import pytest
from support import PROJECT, bitforbit

from . import clusters

TINY = ("--set", "epochs=2")
SEEDS = range(8)
WORDS = ("sequence", *TINY, "--seeds", "0-7")


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    root = tmp_path_factory.mktemp("train")
    return {
        seed: json.loads(bitforbit("train", "sequence", *TINY, "--seed", seed, "--runs", root, "--json").stdout)[
            "digest"
        ]
        for seed in SEEDS
    }


def digests(done):
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["replicates"]
    assert {row["status"] for row in rows} == {"finished"}
    return {row["seed"]: row["digest"] for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--jobs", 1), ("--jobs", 2), ("--jobs", 2, "--fresh")], ids=["1", "2", "fresh"])
def test_the_local_pool(one_by_one, tmp_path, words):
    assert digests(bitforbit("replicate", *WORDS, *words, "--runs", tmp_path, "--json")) == one_by_one


@pytest.mark.slow
def test_dask_with_three_workers(one_by_one, tmp_path):
    with clusters.dask(tmp_path / "dask") as cluster:
        engine = ("--engine", "dask", "--scheduler", cluster.address, "--audit", 0.2)
        done = bitforbit("replicate", *WORDS, *engine, "--runs", tmp_path / "runs", "--json")
    assert digests(done) == one_by_one
    audit = json.loads(done.stdout)["audit"]
    assert (len(audit["seeds"]), audit["mismatches"]) == (2, [])


@pytest.mark.slow
def test_slurm(one_by_one, tmp_path):
    """Half of the seeds by the first array; then the script holds the other half only."""
    problem = clusters.slurm_problem()
    if problem:
        pytest.skip(problem)
    runs = tmp_path / "runs"
    with clusters.slurm(tmp_path / "slurm") as environment:
        for seeds, count in (("0-3", 4), ("0-7", 4)):
            words = ("sequence", *TINY, "--seeds", seeds, "--engine", "slurm", "--runs", runs)
            written = bitforbit("replicate", *words)
            assert written.returncode == 0, written.stderr
            script = next(runs.glob("sequence/*/replicates.sbatch"))
            assert f"#SBATCH --array=0-{count - 1}\n" in script.read_text()
            subprocess.run(["sbatch", script], env=environment, check=True, capture_output=True, cwd=PROJECT)
            clusters.slurm_wait(environment)
        done = bitforbit("replicate", *WORDS, "--engine", "slurm", "--runs", runs, "--json")
    assert digests(done) == one_by_one


def test_dask_in_ci(tmp_path):
    """A real scheduler and three workers, on an experiment of a file; then the local pool audits what they sent."""
    experiment = tmp_path / "mine.py"
    experiment.write_text((PROJECT / "src/bitforbit/experiments/sequence.py").read_text())
    words = (experiment, *TINY, "--seeds", "0-2", "--runs", tmp_path / "runs", "--json")
    with clusters.dask(tmp_path / "dask") as cluster:
        by_dask = digests(bitforbit("replicate", *words, "--engine", "dask", "--scheduler", cluster.address))
    again = bitforbit("replicate", *words, "--audit", 0.3)
    assert digests(again) == by_dask
    assert json.loads(again.stdout)["audit"]["mismatches"] == []


def test_no_scheduler_is_one_line(tmp_path):
    port = clusters.free_port()
    engine = ("--engine", "dask", "--scheduler", f"tcp://127.0.0.1:{port}")
    done = bitforbit("replicate", *WORDS, *engine, "--runs", tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bitforbit replicate: expected a Dask scheduler at tcp://127.0.0.1:{port}, found: ")
    assert line.endswith("Next step: dask scheduler")
    without = bitforbit("replicate", *WORDS, "--engine", "dask", "--runs", tmp_path)
    assert without.stderr == (
        "bitforbit replicate: expected the address of a Dask scheduler. Next step: --scheduler tcp://HOST:8786\n"
    )
