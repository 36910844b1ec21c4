"""What is pinned, how each pin is set, and how each is read back from the live process."""

from bitforbit.policy.apply import activate
from bitforbit.policy.model import Policy, Reading

__all__ = ["Policy", "Reading", "activate"]
