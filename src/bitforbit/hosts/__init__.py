"""Other hosts without other machines: this one's user-mode emulator with the CPUID of another CPU.

`python -m bitforbit.hosts` (`make verify-hosts`) trains the reference experiments on each and holds them against the
goldens; docs/hosts.md has the measured results.
"""
