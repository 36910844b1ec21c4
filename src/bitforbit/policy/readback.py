"""Compare every knob with the live process."""

from bitforbit.errors import PolicyError
from bitforbit.policy import knobs
from bitforbit.policy.model import UNSET, Policy, Reading

NOT_TAKEN = "the policy did not take, so results would depend on this host"
CHANGED = "a knob was changed while training, so the run is not published"


def environment_at_exec() -> dict[str, str]:
    """Return the environment that the interpreter was started with, which `os.environ` may no longer show."""
    with open("/proc/self/environ", "rb") as file:
        entries = file.read().decode("utf-8", "surrogateescape").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def read_environment(policy: Policy) -> list[Reading]:
    """Read the variables only: no import of TensorFlow, so that a wrong start is refused at once."""
    environment = environment_at_exec()
    readings = [
        Reading(knob.name, policy.text(knob.value), environment.get(knob.name, UNSET), knob.when, knob.why, knob.source)
        for knob in policy.knobs
        if knob.is_environment
    ]
    for name in policy.must_stay_unset:
        found = environment.get(name, UNSET)
        readings.append(Reading(name, UNSET, found, knobs.INTERPRETER, "changes kernels or precision", "N, unset list"))
    return readings


def read_effects(policy: Policy) -> list[Reading]:
    """Ask each library what took; imports and starts TensorFlow."""
    return [
        Reading(
            knob.name, policy.text(knob.effect_value or knob.value), knob.effect(), knob.when, knob.why, knob.source
        )
        for knob in policy.knobs
        if knob.effect is not None
    ]


def read_all(policy: Policy) -> list[Reading]:
    """Return all readings: the environment's, then the live effects'. An empty complaint list means that all took."""
    return read_environment(policy) + read_effects(policy)


def refuse(readings: list[Reading], strict: bool, because: str = NOT_TAKEN) -> list[Reading]:
    """Return the readings that did not take.

    Args:
        readings: of this moment.
        strict: raise where there are any.
        because: the first line of the refusal. Defaults to what is true before the first op.

    Raises:
        PolicyError: there are any, under `strict`; one line for each names knob, wanted, found and the next step.
    """
    failed = [reading for reading in readings if not reading.took]
    if failed and strict:
        lines = "\n".join(f"  {reading.complaint}" for reading in failed)
        raise PolicyError(f"{because}:\n{lines}\n  (--no-strict goes on)")
    return failed
