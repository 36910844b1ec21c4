"""One module for each command: a summary, its options, and what it does; see `bitforbit.cli`."""
