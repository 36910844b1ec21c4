"""One loaded kernel library for all kernel tests, with stock oneDNN off as the policy has it."""

import ctypes
import os

import numpy as np
import pytest

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes; run by the full test target")
    config.addinivalue_line("markers", "emulation: needs qemu-x86_64-static")


@pytest.fixture(scope="session")
def library():
    """The kernels, registered in this process with a pool of two threads."""
    from bitforbit.kernels import load

    return load(2)


@pytest.fixture(scope="session")
def call(library):
    """`call(name, *arrays, isa=None)`: one function of the C table on float32 arrays, without TensorFlow."""

    def run(name, *arrays, isa=None, functions=library.functions):
        arrays = [np.ascontiguousarray(a, np.float32) for a in arrays]
        out = np.empty_like(arrays[0])
        function = {1: functions.bfb_unary, 2: functions.bfb_binary}[len(arrays)]
        isa = isa.encode() if isa else None
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*arrays, out)]
        assert function(name.encode(), isa, *pointers, out.size) == 0
        return out

    return run
