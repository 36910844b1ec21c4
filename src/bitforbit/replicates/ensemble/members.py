"""Which replicates may stand in one ensemble: finished, of one configuration and class, each once, in seed order."""

import itertools
from pathlib import Path

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.evidence import runs
from bitforbit.replicates import collect, seedlist

FEWEST = 2


def check(replicates: list[collect.Replicate]) -> None:
    """Refuse what cannot be one ensemble. The order of members decides bits, so it is the order of seeds.

    Raises:
        UsageError: fewer than two members, a seed twice, or seeds that do not ascend.
        EvidenceError: a member is missing, failed or diverged, or is of another configuration or host class.
    """
    if len(replicates) < FEWEST:
        raise UsageError(f"expected at least {FEWEST} members, received {len(replicates)}. Next step: --seeds 0-29")
    for one, two in itertools.pairwise(replicates):
        if one.seed == two.seed:
            raise UsageError(f"expected each seed once, received {one.seed} twice")
        if one.seed > two.seed:
            raise UsageError(f"expected members in ascending order of seeds, received {one.seed} before {two.seed}")
    absent = [member for member in replicates if member.status != collect.FINISHED]
    if absent:
        missing = [member.seed for member in absent if member.status == collect.MISSING]
        told = [f"seed {m.seed} {m.status} ({m.note})" for m in absent if m.status != collect.MISSING]
        told += [f"seed{'s' * (len(missing) > 1)} {seedlist.spell(missing)} missing"] if missing else []
        raise EvidenceError(
            f"expected {len(replicates)} finished members, found {'; '.join(told)}. Next step: bitforbit"
            " replicate with the same --seeds, or name only the seeds that finished"
        )
    for key, what in (("config_hash", "configuration"), ("host_class", "host class")):
        first = replicates[0]
        for member in replicates[1:]:
            if member.result[key] != first.result[key]:
                raise EvidenceError(
                    f"expected members of one {what}, found {first.result[key][:20]} (seed {first.seed}) and"
                    f" {member.result[key][:20]} (seed {member.seed})"
                )


def load(replicates: list[collect.Replicate]) -> list:
    """Return the members' Keras models, in safe mode, under the names and with the settings of an ensemble.

    Raises:
        EvidenceError: Keras cannot load one of them.
    """
    import keras

    models = []
    for member in replicates:
        path = member.folder / runs.MODEL
        try:
            model = keras.saving.load_model(path, compile=False)
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise EvidenceError(
                f"expected Keras to load {path} in safe mode, found {type(error).__name__}: {lines[0][:200]}."
                " Next step: register custom classes in the experiment's module (keras.saving"
                ".register_keras_serializable)"
            ) from None
        model.name, model.trainable = name(member.seed), False
        models.append(model)
    return models


def name(seed: int) -> str:
    """Return a member's name inside the ensemble."""
    return f"replicate_{seed:04d}"


def folder(replicates: list[collect.Replicate]) -> Path:
    """Return the folder of the members' configuration."""
    return replicates[0].folder.parent
