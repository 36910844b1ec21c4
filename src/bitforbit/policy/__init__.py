"""What is pinned, how each pin is set, and how each is read back from the live process."""

from bitforbit.policy.apply import activate
from bitforbit.policy.model import Policy, Reading
from bitforbit.policy.readback import read_all

__all__ = ["Policy", "Reading", "activate", "read_all"]
