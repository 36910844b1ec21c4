"""The exact kernels as a knob: loaded before the first op, read back from TensorFlow's own registry."""


def load(threads: int) -> None:
    """Put the exact kernels above TensorFlow's own.

    Raises:
        HostError: they are not built and cannot be.
    """
    from bitforbit import kernels

    kernels.load(threads)


def in_force() -> str:
    """Return `in force` where every row of the kernels' table has a kernel of the library in TensorFlow's registry."""
    from tensorflow.python.framework import kernels as registry

    from bitforbit.kernels import loader, table

    library = loader._loaded
    if library is None:
        return "not loaded"
    missing = sorted(set(table.names()) - set(library.registered))
    for op in sorted({row.op for row in table.ROWS}):
        stock_and_ours = registry.get_registered_kernels_for_op(op).kernel
        if not any(kernel.priority > 0 and kernel.device_type == "CPU" for kernel in stock_and_ours):
            missing.append(op)
    return f"missing: {', '.join(missing)}" if missing else "in force"
