"""The policy as a value: its version, its pool size, and the text of each knob."""

import hashlib
import os
from dataclasses import dataclass
from typing import NamedTuple

from bitforbit import project
from bitforbit.errors import UsageError
from bitforbit.policy import knobs

POOL_SIZE_VARIABLE = "BITFORBIT_POOL_SIZE"
LARGEST_POOL = 256


@dataclass(frozen=True)
class Policy:
    """The knobs of one version, for one size of the thread pools.

    Attributes:
        pool_size: threads of each pool (`k`). It decides bits, so it is part of the policy and never taken from the
            host. Defaults to 2: see docs/numerics.md for the measurement.
    """

    pool_size: int = knobs.POOL_SIZE

    @classmethod
    def from_environment(cls, pool_size: int | None = None) -> "Policy":
        """Return the policy asked for by `pool_size`, else by `BITFORBIT_POOL_SIZE`, else the project's.

        A project that sets no `pool-size` in its pyproject.toml has the default one.

        Raises:
            UsageError: the size is not an integer from 1 to 256.
        """
        text = str(pool_size) if pool_size is not None else os.environ.get(POOL_SIZE_VARIABLE, "")
        text = text or str(project.settings().pool_size or knobs.POOL_SIZE)
        if not text.isdecimal() or not 1 <= int(text) <= LARGEST_POOL:
            raise UsageError(
                f"expected a pool size from 1 to {LARGEST_POOL}, received {text!r}."
                f" Next step: --pool-size {knobs.POOL_SIZE}, or unset {POOL_SIZE_VARIABLE}."
            )
        return cls(int(text))

    def environment(self) -> dict[str, str]:
        """Return the variables that must stand before the interpreter starts."""
        return {knob.name: self.text(knob.value) for knob in knobs.KNOBS if knob.is_environment}

    def text(self, template: str) -> str:
        return template.replace("{k}", str(self.pool_size))

    def record(self) -> dict:
        """Return what `result.json` holds of the policy; the digest covers every row's name and value."""
        rows = [f"{knob.name}={self.text(knob.value)}" for knob in knobs.KNOBS]
        rows += [f"{name} unset" for name in knobs.MUST_STAY_UNSET]
        digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return {"version": knobs.VERSION, "pool_size": self.pool_size, "digest": digest}


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
