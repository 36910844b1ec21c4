"""Small computations that show what a measure is for: arrays by name, in the order in which they arise."""

import itertools

import numpy as np

OPS = "every op"


def compute(names):
    """Return `{"probe: what": array}` of the named probes, in order."""
    import keras

    from hosts.layer_probes import layer_probes
    from hosts.op_probes import op_probes
    from hosts.pin_probes import PIN_PROBES

    known, found = layer_probes() | op_probes() | PIN_PROBES, {}
    for name in itertools.chain(*(op_probes() if name == OPS else [name] for name in names)):
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        for what, array in known[name]():
            found[f"{name}: {what}"] = np.asarray(array)
    return found
