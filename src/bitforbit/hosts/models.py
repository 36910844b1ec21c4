"""The emulated hosts: one row for each CPU model, and how one is spelled on the command line."""

from typing import NamedTuple

from bitforbit.errors import UsageError

SPELLING = "MODEL[,PROPERTY=VALUE][@CORES]"


class Model(NamedTuple):
    """A CPU model of qemu-user.

    Attributes:
        name: what `-cpu` takes.
        brand: the brand string of its CPUID leaves 0x80000002 to 4: who claims to be this CPU must show it.
    """

    name: str
    brand: str


MODELS = (
    Model("Haswell", "Intel Core Processor (Haswell)"),
    Model("Broadwell", "Intel Core Processor (Broadwell)"),
    Model("Skylake-Client", "Intel Core Processor (Skylake)"),
    Model("EPYC", "AMD EPYC Processor"),
    Model("EPYC-Rome", "AMD EPYC-Rome Processor"),
    Model("max", "QEMU TCG CPU version 2.5+"),
)

# Below x86-64-v3: refused, so there is nothing to compare.
TOO_OLD = ("SandyBridge", "Nehalem")

# Every model once, on one core and on two in turn, and two with other cache sizes in the same CPUID.
DEFAULT = (
    "Haswell@1",
    "Broadwell@2",
    "Skylake-Client@1",
    "EPYC@2",
    "EPYC-Rome@1",
    "max@2",
    "Haswell,l3-cache=off@2",
    "EPYC,legacy-cache=on@1",
)


class EmulatedHost(NamedTuple):
    """One host to run on.

    Attributes:
        model: the CPU.
        properties: further properties for `-cpu`, `l3-cache=off` for one; may be empty.
        cores: how many cores it may see.
    """

    model: Model
    properties: str
    cores: int

    @property
    def cpu(self) -> str:
        """What `-cpu` takes."""
        return f"{self.model.name},{self.properties}" if self.properties else self.model.name

    def __str__(self) -> str:
        return f"{self.cpu}@{self.cores}"


def parse(text: str) -> EmulatedHost:
    """Return the host spelled `MODEL[,PROPERTY=VALUE...][@CORES]`; two cores where the text names none.

    Raises:
        UsageError: no such model, or no positive number of cores.
    """
    cpu, _, cores = text.partition("@")
    name, _, properties = cpu.partition(",")
    model = next((model for model in MODELS if model.name == name), None)
    if model is None or not (cores or "2").isdecimal() or int(cores or "2") < 1:
        raise UsageError(
            f"expected a host as {SPELLING}, received {text!r}."
            f" Next step: one of the models {', '.join(model.name for model in MODELS)}."
        )
    return EmulatedHost(model, properties, int(cores or "2"))
