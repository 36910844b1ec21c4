"""What `diagnose` is to run: an experiment or a script, its words, its input, and hints where it does not run."""

import shlex
from pathlib import Path

from bitforbit.diagnosis.vary.subject import Subject
from bitforbit.errors import UsageError
from bitforbit.training import experiment


def of(options, policy) -> Subject:
    """Return the subject that the options name.

    Raises:
        UsageError: there is none, or an option does not go with it.
    """
    target = options.subject
    path = Path(target)
    pool = ("--pool-size", str(policy.pool_size))
    if target.endswith(".py"):
        if not path.is_file():
            raise UsageError(f"expected an experiment or a script at {target}, found no such file")
        target = str(path.resolve())
        if is_script(options):
            if options.set or options.config:
                raise UsageError("expected --set and --config with an experiment, found a script")
            words = ("run", "--seed", options.seed, *pool)
            return Subject(path.stem, path.resolve(), words, (target, *_words(options.args)), _input(options.stdin))
    if options.stdin:
        raise UsageError(f"expected --stdin with a script, received it with the experiment {options.subject}")
    if options.args:
        raise UsageError(f"expected --args with a script, received it with the experiment {options.subject}")
    settings = [word for pair in options.set for word in ("--set", pair)]
    config = ["--config", str(Path(options.config).resolve())] if options.config else []
    words = ("train", target, "--seed", options.seed, *settings, *config, *pool)
    return Subject(path.stem if path.suffix == ".py" else target, path if path.suffix == ".py" else None, words)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"expected --args as a shell would read it, received {text!r}: {error}") from None


def _input(path: str | None) -> tuple[str, ...]:
    """Return words that give a command its standard input; compare's runs and the printed lines get it too."""
    if path is None:
        return ()
    if not Path(path).is_file():
        raise UsageError(f"expected a file for --stdin at {path}, found none")
    return ("sh", "-c", 'exec "$@" <"$0"', str(Path(path).resolve()))


def hint(failure: str, options) -> str:
    """Return the next step after a control that does not run, or an empty text."""
    if "EOFError" in failure and not options.stdin:
        return ". Next step: --stdin FILE, if the script reads its standard input"
    asks = ("exit 2: " in failure and "exit 2: bitforbit " not in failure) or "SystemExit" in failure
    if asks and options.subject.endswith(".py") and not options.args:
        return ". Next step: --args='...', if the script needs arguments"
    return ""


def is_script(options) -> bool:
    """Whether the subject is a file without the three parts of an experiment; what does not parse is left to Python."""
    path = Path(options.subject)
    return options.subject.endswith(".py") and path.is_file() and experiment.parts(path) != experiment.PARTS


def files(options) -> tuple[str, ...]:
    """Files that another user must be able to read, if a run is to be that user's."""
    named = (options.subject if options.subject.endswith(".py") else None, options.config, options.stdin)
    return tuple(str(Path(name).resolve()) for name in named if name and Path(name).is_file())
