"""The lines that `bitforbit replicate` ends with."""

import hashlib
import json

from replicates import made

from bitforbit.replicates import collect
from bitforbit.report import statistics

VALUES = [0.90, 0.92, 0.94, 0.91, 0.93]


def test_whole_output(tmp_path, capsys):
    runs = [run._replace(folder=tmp_path / f"seed-{run.seed}") for run in made.configuration(VALUES)]
    runs.append(made.replicate(5, collect.DIVERGED, "diverged after epoch 3"))
    runs[0].folder.mkdir()
    (runs[0].folder / "run.json").write_text(json.dumps({"timings": {"total_seconds": 12.34}}))
    _, digest = statistics.conclude(runs, tmp_path, {"metric": "accuracy", "at_least": 0.9})
    assert digest == hashlib.sha256((tmp_path / "statistics.json").read_bytes()).hexdigest()
    assert capsys.readouterr().out.splitlines() == [
        "  seed      accuracy  result            seconds",
        "     0           0.9  0000000000000000     12.3",
        "     1          0.92  0000000000000000        -",
        "     2          0.94  0000000000000000        -",
        "     3          0.91  0000000000000000        -",
        "     4          0.93  0000000000000000        -",
        "     5  diverged: diverged after epoch 3",
        "made abababababab, seeds 0-5: 5 finished, 1 diverged",
        "  The statistics speak of the 5 that finished; 1 did not.",
        "accuracy (higher is better)",
        "  mean ± SD           0.92 ± 0.0158   (N = 5)",
        "  mean, 95 %          0.900368 to 0.939632   (Student's t)",
        "  next run, 95 %      0.871911 to 0.968089   (prediction interval)",
        "  SD, 95 %            0.00947313 to 0.0454349   (chi-square)",
        "  median              0.92",
        "  interquartile mean  0.92",
        "  range               0.9 to 0.94",
        "  standard error      2: 0.01, 3: 0.012, 5: 0.0071   (of the first N seeds)",
        "  seeds needed        0.5 SD: 64, 1 SD: 17   (to see such a difference of two configurations, power 0.8)",
        "These numbers speak of initialisation, batch order and dropout on one fixed split of the data;"
        " not of other data, splits or hyperparameters.",
        f"  statistics          {digest}",
        f"  written             {tmp_path / 'statistics.json'}",
    ]
