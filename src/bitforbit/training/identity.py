"""What decides the bits of a run, and the hash that names its folder."""

from importlib import metadata

from bitforbit.errors import HostError
from bitforbit.evidence import canonical
from bitforbit.policy import Policy, cuda, devices
from bitforbit.training import config as configs
from bitforbit.training.experiment import Experiment

# Each decides bits of weights or of files; `tensorflow` stands for either distribution of it.
STACK = (
    ("tensorflow", ("tensorflow-cpu", "tensorflow")),
    ("keras", ("keras",)),
    ("numpy", ("numpy",)),
    ("h5py", ("h5py",)),
)
UNPINNED = "unpinned"


def stack(device: str = devices.CPU) -> dict[str, str]:
    """Return the installed versions of the packages that decide bits; on a GPU, also those of CUDA's libraries.

    Args:
        device: `cpu` or `gpu`. Defaults to `cpu`.

    Raises:
        HostError: one of them is not installed.
    """
    wheels = sorted({library.wheel for library in cuda.LIBRARIES}) if device == devices.GPU else ()
    rows = (*STACK, *((wheel, (wheel,)) for wheel in wheels))
    return {name: _version(name, distributions) for name, distributions in rows}


def _version(name: str, distributions: tuple[str, ...]) -> str:
    for distribution in distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    raise HostError(f"expected {name} to be installed, found none. Next step: make setup, or use the image.")


def describe(experiment: Experiment, config, policy: Policy, deviations: list[str]) -> dict:
    """Return everything but the seed that decides a run's bits, with its hash under `config_hash`.

    Args:
        experiment: its name and the digest of its source count.
        config: a frozen config.
        policy: its record counts.
        deviations: knobs that did not take, under --no-strict; with any, no host class is claimed.
    """
    identity = {
        "schema": "bitforbit result 1",
        "experiment": experiment.name,
        "source": experiment.source,
        "config": configs.values(config),
        "policy": policy.record() | {"deviations": deviations},
        "stack": stack(policy.device),
        "host_class": UNPINNED if deviations else devices.host_class(policy),
    }
    return identity | {"config_hash": canonical.digest(identity)}
