"""The policy as a value: its version, its pool size and device, and the text of each knob."""

import hashlib
import os
from dataclasses import dataclass
from typing import NamedTuple

from bitforbit import project
from bitforbit.errors import UsageError
from bitforbit.policy import devices, gpu_knobs, knobs

POOL_SIZE_VARIABLE = "BITFORBIT_POOL_SIZE"
LARGEST_POOL = 256
LARGEST_COUNT = 64
FULL_PRECISION = "float32"
PRECISIONS = (FULL_PRECISION, "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Policy:
    """The knobs of one version, for one size of the thread pools and one device.

    Attributes:
        pool_size: threads of each pool (`k`). It decides bits, so it is part of the policy and never taken from the
            host. Defaults to 2: see docs/numerics.md for the measurement.
        device: `cpu` or `gpu`. Defaults to `cpu`.
        gpus: how many GPUs TensorFlow sees; more than one states a topology. Defaults to 1.
        precision: Keras's dtype policy: `float32`, or by choice `mixed_float16` or `mixed_bfloat16`, on a GPU.
        xla: compile models with XLA, by choice, on a GPU. Defaults to `False`.
    """

    pool_size: int = knobs.POOL_SIZE
    device: str = devices.CPU
    gpus: int = 1
    precision: str = FULL_PRECISION
    xla: bool = False

    @classmethod
    def from_environment(
        cls,
        pool_size: int | None = None,
        device: str | None = None,
        gpus: int | None = None,
        precision: str | None = None,
        xla: bool | None = None,
    ) -> "Policy":
        """Return the policy asked for by the arguments, else by the environment, else the default one.

        Args:
            pool_size: `None` takes `BITFORBIT_POOL_SIZE`, else `pool-size` of the project's pyproject.toml, else 2.
            device: as in `devices.choose`: `None` takes `BITFORBIT_DEVICE`.
            gpus, precision, xla: see the attributes; only for a GPU.

        Raises:
            UsageError: the size is not an integer from 1 to 256, or a GPU's setting was given for the CPU.
        """
        text = str(pool_size) if pool_size is not None else os.environ.get(POOL_SIZE_VARIABLE, "")
        text = text or str(project.settings().pool_size or knobs.POOL_SIZE)
        if not text.isdecimal() or not 1 <= int(text) <= LARGEST_POOL:
            raise UsageError(
                f"expected a pool size from 1 to {LARGEST_POOL}, received {text!r}."
                f" Next step: --pool-size {knobs.POOL_SIZE}, or unset {POOL_SIZE_VARIABLE}."
            )
        chosen = devices.choose(device)
        if gpus is not None and not 1 <= gpus <= LARGEST_COUNT:
            raise UsageError(f"expected --gpus from 1 to {LARGEST_COUNT}, received {gpus}. Next step: --gpus 1")
        for option, given in (("--gpus", gpus), ("--precision", precision), ("--xla", xla)):
            if given and chosen == devices.CPU:
                raise UsageError(f"expected {option} for a run on a GPU, found one on the CPU. Next step: --device gpu")
        return cls(int(text), chosen, gpus or 1, precision or FULL_PRECISION, bool(xla))

    @property
    def knobs(self) -> tuple[knobs.Knob, ...]:
        """The rows that this policy sets and reads back."""
        return knobs.KNOBS if self.device == devices.CPU else gpu_knobs.KNOBS

    @property
    def must_stay_unset(self) -> tuple[str, ...]:
        """Variables that change kernels or precision."""
        return knobs.MUST_STAY_UNSET if self.device == devices.CPU else gpu_knobs.MUST_STAY_UNSET

    def environment(self) -> dict[str, str]:
        """Return the variables that must stand before the interpreter starts."""
        return {knob.name: self.text(knob.value) for knob in self.knobs if knob.is_environment}

    def text(self, template: str) -> str:
        values = {"k": self.pool_size, "n": self.gpus, "precision": self.precision, "xla": self.xla}
        for name, value in values.items():
            template = template.replace("{" + name + "}", str(value))
        return template

    def record(self) -> dict:
        """Return what `result.json` holds of the policy; the digest covers every row's name and value."""
        rows = [f"{knob.name}={self.text(knob.value)}" for knob in self.knobs]
        rows += [f"{name} unset" for name in self.must_stay_unset]
        digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        record = {"version": knobs.VERSION, "pool_size": self.pool_size, "digest": digest}
        if self.device == devices.CPU:
            return record
        return record | {"device": self.device, "gpus": self.gpus, "precision": self.precision, "xla": self.xla}


class Reading(NamedTuple):
    """One knob as found in the live process."""

    name: str
    wanted: str
    found: str
    when: str
    why: str
    source: str

    @property
    def took(self) -> bool:
        return self.wanted == self.found

    @property
    def complaint(self) -> str:
        """One line: knob, wanted, found and the next step."""
        if self.name.isupper():
            fix = f"unset {self.name}" if self.wanted == UNSET else f"export {self.name}='{self.wanted}'"
            step = f"{fix} before Python starts, or start through `bitforbit`, which does it"
        else:
            step = "let `bitforbit` be the first to touch TensorFlow, and do not reset it in the experiment"
        return f"{self.name}: wanted {self.wanted or 'empty'}, found {self.found or 'empty'}. Next step: {step}."


UNSET = "(unset)"
