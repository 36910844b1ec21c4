"""What AutoGraph generates is a module without a file, whose source can be read all the same."""

import inspect
import linecache
import sys
from pathlib import Path

import pytest

from bitforbit.policy import generated

SOURCE = "def double(x):\n    return 2 * x\n\n\ndef fail(x):\n    raise ValueError(x)\n"


@pytest.fixture
def loaded():
    module, path = generated.load_source(SOURCE, True)
    yield module, path
    del sys.modules[module.__name__], linecache.cache[path]


def test_it_is_a_module_without_a_file(loaded):
    module, path = loaded
    assert module.double(4) == 8 and sys.modules[module.__name__] is module
    assert module.__file__ == path and not Path(path).exists()
    assert generated.load_source(SOURCE, True)[1] != path


def test_inspect_and_tracebacks_read_its_source(loaded):
    module, path = loaded
    linecache.checkcache()
    assert inspect.getsource(module.double) == "def double(x):\n    return 2 * x\n"
    with pytest.raises(ValueError) as raised:
        module.fail(1)
    entry = raised.traceback[-1]
    assert (str(entry.path), entry.lineno) == (path, 5)
    assert linecache.getline(path, 6) == "    raise ValueError(x)\n"
