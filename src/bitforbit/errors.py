"""Every error that a user can meet, in one tree.

BitforbitError            exit 2
├── UsageError            a wrong flag, config key, value, seed or experiment name
├── HostError             this machine lacks what the policy needs (x86-64-v3, a compiler, glibc)
├── PolicyError           a knob did not take: training would not be exact
├── DataError             a data file is missing or is not the file that the digests were made from
├── EvidenceError         a published run is damaged, or does not belong to what was asked
└── DivergedError         a loss or a weight stopped being finite                        exit 3
"""


class BitforbitError(Exception):
    """Raised when a command cannot go on; the message says what was expected, what came, and the next step."""

    exit_code = 2


class UsageError(BitforbitError):
    """Raised when an argument, a config key or a value cannot be used as given."""


class HostError(BitforbitError):
    """Raised when this machine cannot give the policy's bits at all."""


class PolicyError(BitforbitError):
    """Raised when a knob, read back from the live process, does not hold the policy's value."""


class DataError(BitforbitError):
    """Raised when a data file is missing or its SHA-256 is not the recorded one."""


class EvidenceError(BitforbitError):
    """Raised when a published run does not verify."""


class DivergedError(BitforbitError):
    """Raised when a loss or a weight is NaN or infinite; the last good epoch's evidence is kept."""

    exit_code = 3
