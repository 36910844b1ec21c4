"""Goldens: what the reference experiments must give on every host of a class, and how far off a host is.

`golden/<host class>.json` holds the digests of every epoch and variable; `golden/<host class>-<experiment>.npz` holds
the weights themselves, so that a mismatch can be told in elements and ulps.
"""

import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bitforbit.errors import UsageError
from bitforbit.evidence import canonical, ulp

# Few epochs of the default models: every kernel and shape is reached, and the whole takes less than a minute.
REFERENCE = {
    "sequence": {"epochs": 10},
    "digits": {"epochs": 2},
    "solubility": {"epochs": 2},
    "peptides": {"epochs": 1, "length": 16, "batch_size": 128},
}
SEED = 1
REGISTER = {
    "cpu": "on a host that you trust, bitforbit verify --write",
    "gpu": "register this host with: bitforbit verify --device gpu --write",
}


class Mismatch(NamedTuple):
    """The first place where a host left the goldens.

    Attributes:
        experiment: which one.
        where: `data`, `epoch 0` (the initial weights), `epoch 1`, ..., `metrics` or `predictions`.
        variable: path of the first variable that differs, or the name of what else does.
        difference: elements and ulps, `None` where the goldens hold no array.
    """

    experiment: str
    where: str
    variable: str
    difference: ulp.Difference | None

    def __str__(self) -> str:
        tail = f": {self.difference}" if self.difference else ""
        return f"{self.experiment}: first difference in {self.where}, {self.variable}{tail}"


def default_path(host_class: str) -> Path:
    """Return where the goldens of a class are: beside the source tree, else below the working directory."""
    for folder in (Path(__file__).resolve().parents[3], Path.cwd()):
        path = folder / "golden" / f"{host_class}.json"
        if path.is_file():
            return path
    return Path.cwd() / "golden" / f"{host_class}.json"


def entry(evidence, config: dict, data: str, predictions: str) -> dict:
    """Return one experiment's part of the goldens file."""
    epochs = sorted({row[0] for row in evidence.recorder.rows})
    return {
        "config": config,
        "seed": SEED,
        "data": data,
        "epochs": [{path: sha for number, path, sha in evidence.recorder.rows if number == epoch} for epoch in epochs],
        "metrics": evidence.metrics,
        "predictions": predictions,
    }


def compare(name: str, expected: dict, found: dict, arrays: list[dict], reference: Path | None) -> Mismatch | None:
    """Return the first difference between two entries, or `None` where every digest is equal.

    Args:
        name: the experiment's.
        expected: the goldens' entry.
        found: this host's entry.
        arrays: this host's weights, `path -> array` for each epoch.
        reference: the goldens' `.npz`, or `None`.
    """
    if expected["data"] != found["data"]:
        return Mismatch(name, "data", "the arrays that load_data returned", None)
    for epoch, (wanted, got) in enumerate(zip(expected["epochs"], found["epochs"], strict=True)):
        for path in wanted:
            if got.get(path) != wanted[path]:
                return Mismatch(
                    name, f"epoch {epoch}", path, _difference(reference, epoch, path, arrays[epoch].get(path))
                )
    if expected["predictions"] != found["predictions"]:
        return Mismatch(name, "predictions", "of the trained model", None)
    for metric, value in expected["metrics"].items():
        if found["metrics"].get(metric) != value:
            return Mismatch(name, "metrics", f"{metric} ({found['metrics'].get(metric)!r}, expected {value!r})", None)
    return None


def _difference(reference: Path | None, epoch: int, path: str, array) -> ulp.Difference | None:
    if reference is None or array is None or not reference.is_file():
        return None
    with np.load(reference) as archive:
        wanted = archive[f"{epoch}/{path}"]
    return ulp.compare(wanted, array) if wanted.shape == array.shape else None


def write(path: Path, document: dict, arrays: dict[str, list[dict]]) -> None:
    """Write the goldens and, beside them, the weights of every epoch; each file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, epochs in arrays.items():
        content = io.BytesIO()
        np.savez(
            content, **{f"{epoch}/{key}": value for epoch, part in enumerate(epochs) for key, value in part.items()}
        )
        canonical.write(weights_path(path, name), content.getvalue())
    canonical.write(path, canonical.dumps(document))


def weights_path(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}-{name}.npz")


def read_weights(path: Path, name: str) -> list[dict]:
    """Return the weights beside a goldens file: `path -> array` for each epoch."""
    epochs: list[dict] = []
    with np.load(weights_path(path, name)) as archive:
        for key in archive.files:
            epoch, variable = key.split("/", 1)
            epochs += [{} for _ in range(int(epoch) + 1 - len(epochs))]
            epochs[int(epoch)][variable] = archive[key]
    return epochs


def read(path: Path, host_class: str, device: str = "cpu") -> dict:
    """Read a goldens file.

    Args:
        path: of the JSON.
        host_class, device: this host's, for the message.

    Raises:
        UsageError: there is none for this class, or it is not one: the host cannot be compared.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(
            f"cannot compare: expected goldens of class {host_class} at {path}, found none."
            f" Next step: {REGISTER[device]}"
        ) from None
    except ValueError as error:
        raise UsageError(f"cannot compare: expected goldens at {path}, found something else ({error})") from None


def comparable(expected: dict, policy: dict, stack: dict) -> str:
    """Return why goldens and this process cannot be compared, or an empty text."""
    for name, wanted, found in (("policy", expected["policy"], policy), ("stack", expected["stack"], stack)):
        # The digest last: it follows from the others, which say more.
        for key in sorted(wanted.keys() | found.keys(), key=lambda key: (key == "digest", key)):
            if wanted.get(key) != found.get(key):
                return f"the goldens are of {name} {key} {wanted.get(key)!r}, this is {found.get(key)!r}"
    return ""
