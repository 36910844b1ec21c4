"""Run any Keras script, unchanged, under the policy, and keep digests of each fit."""

import argparse

from bitforbit.commands import _shared
from bitforbit.errors import BitforbitError


def add_arguments(parser) -> None:
    parser.usage = "bitforbit run [OPTIONS] script.py [the script's own arguments]"
    parser.add_argument("--seed", default="1", help="seeds the global generators before the script (default: 1)")
    _shared.add_runs_option(parser)
    parser.add_argument(
        "--trace", metavar="FOLDER", help="then run it once more, in silence, with digests of every step"
    )
    _shared.add_pinning_options(parser)
    _shared.add_sentinel_option(parser)
    parser.add_argument("script", help="a Python file")
    rest = parser.add_argument("arguments", nargs=argparse.REMAINDER, help="belong to the script, options too")
    # Else argparse asks for them where the script is missing.
    rest.required = False


def run(options) -> int:
    from pathlib import Path

    from bitforbit.diagnosis.script import program
    from bitforbit.training import seeds

    seed = seeds.parse(options.seed)
    script = program.read(options.script, options.arguments)
    pinned = _shared.start(options)
    from bitforbit.diagnosis.script import session
    from bitforbit.training import store

    root, note = store.root(options.runs)
    if note:
        session.say(note)
    from bitforbit.diagnosis.trace import scripts
    from bitforbit.diagnosis.trace import store as traces

    if options.trace:
        traces.require_free(Path(options.trace))
    observing = scripts.contexts(script.name, options.script, options.arguments, seed, pinned)
    if options.sentinel:
        from bitforbit.diagnosis import sentinel

        observing = (*observing, sentinel.watching(lambda line: session.say(f"sentinel: {line}"), script.folder))
    folder = Path(root).absolute()
    code = session.run(session.Request(script, seed, pinned, folder, not options.no_strict, contexts=observing))
    if options.trace:
        words = ["run", *_given(options), options.script, *options.arguments]
        try:
            lines = scripts.again(words, Path(options.trace), folder, code)
        except BitforbitError as error:
            session.say(str(error))
            return code or error.exit_code
        for line in lines:
            session.say(line)
    return code


def _given(options) -> list[str]:
    """Return the options that decide bits, for the run with digests."""
    pool = [] if options.pool_size is None else ["--pool-size", str(options.pool_size)]
    return ["--seed", options.seed, *pool, *(["--no-strict"] if options.no_strict else [])]
