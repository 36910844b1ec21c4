"""Keep the functions that AutoGraph generates in memory: TensorFlow writes each to a file in the temporary folder.

It deletes the file at the interpreter's exit, so that a process that is killed, or ends by `os._exit` as a forked
replicate does, leaves its files behind; and a script that lies in that folder would find them among its own modules.
The file's random name draws entropy, too. Tracebacks and `inspect` read the source from `linecache` instead.
"""

import itertools
import linecache
import os
import sys
import tempfile
import types

PREFIX = "__autograph_generated_file"

_numbers = itertools.count(1)


def keep_in_memory() -> None:
    """Stand in for AutoGraph's loader; called once or often, it does the same."""
    from tensorflow.python.autograph.pyct import loader

    loader.load_source = load_source


def load_source(source: str, delete_on_exit: bool) -> tuple[types.ModuleType, str]:
    """Run generated source as a module, as `tensorflow.python.autograph.pyct.loader.load_source` does, without a file.

    Returns:
        The module, and the path of the file that is not there.
    """
    module = types.ModuleType(f"{PREFIX}{next(_numbers)}")
    path = os.path.join(tempfile.gettempdir(), f"{module.__name__}.py")
    module.__file__ = path
    # No time of change: `linecache.checkcache` keeps such an entry.
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    sys.modules[module.__name__] = module
    return module, path
