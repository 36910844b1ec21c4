"""List the ops of an experiment, with what is known of each on other hosts."""

from pathlib import Path

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    _shared.add_policy_options(parser)


def run(options) -> int:
    pinned = _shared.start(options)
    from bitforbit.audit import show
    from bitforbit.policy import activate
    from bitforbit.training import config, experiment, loop

    chosen = experiment.load(options.experiment)
    resolved = config.resolve(chosen.config_type, None, tuple(options.set))
    activate(pinned, strict=not options.no_strict)
    request = loop.Request(chosen, resolved, 0, pinned, Path(), not options.no_strict)
    return show.show(loop.prepare(request).audit, options.json)
