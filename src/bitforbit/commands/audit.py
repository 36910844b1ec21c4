"""List the ops of an experiment, with what is known of each on other hosts."""

from pathlib import Path

from bitforbit.commands import _shared


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    parser.add_argument(
        "--gpu", action="store_true", help="list the ops without a deterministic GPU kernel instead; needs no GPU"
    )
    _shared.add_policy_options(parser)


def run(options) -> int:
    # The graphs are traced on the CPU in whatever image this runs.
    options.device = "cpu"
    pinned = _shared.start(options)
    from bitforbit.audit import gpu, show
    from bitforbit.policy import activate
    from bitforbit.training import config, experiment, loop, prepare

    chosen = experiment.load(options.experiment)
    resolved = config.resolve(chosen.config_type, None, tuple(options.set))
    activate(pinned, strict=not options.no_strict)
    request = loop.Request(chosen, resolved, 0, pinned, Path(), not options.no_strict)
    audited = prepare.prepare(request).audited
    return gpu.command(audited.uses, options.json) if options.gpu else show.show(audited.audit, options.json)
