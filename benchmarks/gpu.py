"""What the GPU policy costs: TensorFlow's defaults against the policy, on one device; ratios, not seconds.

usage: make bench-gpu        (python benchmarks/gpu.py [--device cpu] [--tiny] [--rounds N] [--json] [SUBJECT ...])

Both sides run the same model with Keras's own `fit` and without XLA, so the ratio is the price of the knobs alone.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time

from bitforbit.training.experiment import BUILT_IN

BLOCKS = ("resnet_block", "transformer_block")
MODES = ("default", "policy")


def resnet_block(tiny: bool):
    """Return model, x and y of two bottleneck blocks as in ResNet-50 (He et al., 2016): batch 64 of 56 x 56 x 256."""
    import keras
    import numpy as np
    from keras import layers

    batch, side, width = (4, 8, 16) if tiny else (64, 56, 256)

    def bottleneck(x):
        y = x
        for filters, size in ((width // 4, 1), (width // 4, 3), (width, 1)):
            y = layers.BatchNormalization()(layers.Conv2D(filters, size, padding="same", use_bias=False)(y))
            y = layers.ReLU()(y) if filters < width else y
        return layers.ReLU()(layers.add([x, y]))

    inputs = keras.Input((side, side, width))
    pooled = layers.GlobalAveragePooling2D()(bottleneck(bottleneck(inputs)))
    model = keras.Model(inputs, layers.Dense(10)(pooled))
    x = np.random.default_rng(1).normal(size=(batch * 4, side, side, width)).astype("float32")
    return model, x, np.arange(len(x)) % 10, batch


def transformer_block(tiny: bool):
    """Return model, x and y of two pre-norm transformer blocks: batch 16 of 512 tokens, width 512, 8 heads."""
    import keras
    import numpy as np
    from keras import layers

    batch, length, width, heads = (4, 8, 16, 2) if tiny else (16, 512, 512, 8)

    def block(x):
        y = layers.LayerNormalization()(x)
        x = layers.add([x, layers.MultiHeadAttention(heads, width // heads)(y, y)])
        y = layers.Dense(4 * width, activation="gelu")(layers.LayerNormalization()(x))
        return layers.add([x, layers.Dense(width)(y)])

    inputs = keras.Input((length, width))
    model = keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling1D()(block(block(inputs)))))
    x = np.random.default_rng(1).normal(size=(batch * 4, length, width)).astype("float32")
    return model, x, np.arange(len(x)) % 10, batch


def step_seconds(subject: str, tiny: bool, epochs: int) -> float:
    """Train in this process and return the seconds of a step in the fastest epoch, tracing left out."""
    import keras

    if subject in BLOCKS:
        model, x, y, batch = globals()[subject](tiny)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-4), loss, jit_compile=False)
    else:
        from bitforbit.training import experiment

        chosen = experiment.load(subject)
        config = chosen.config_type()
        data, model = chosen.load_data(config), chosen.build_model(config)
        x, y, batch = data.x_train, data.y_train, config.batch_size
    ends = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    # As TensorFlow's defaults have it, data in memory: the input pipeline is no part of the question.
    model.fit(x, y, batch_size=batch, epochs=epochs + 1, verbose=0, callbacks=[clock], shuffle=False)
    steps = -(-len(next(iter(x.values())) if isinstance(x, dict) else x[0] if isinstance(x, tuple) else x) // batch)
    return min(b - a for a, b in itertools.pairwise(ends)) / steps


def child(options) -> None:
    """Measure one subject in one mode, in a process that was started with the mode's environment."""
    from bitforbit.policy import Policy, activate, devices

    policy = Policy(device=options.device)
    if options.child == "policy":
        activate(policy)
    else:
        import keras

        keras.utils.set_random_seed(1)  # noqa: BFB601 measured with and without
    seconds = step_seconds(options.subjects[0], options.tiny, options.epochs)
    import tensorflow as tf

    used = "gpu" if tf.config.get_visible_devices("GPU") else "cpu"
    if used != options.device:
        sys.exit(f"expected a measurement on the {options.device}, found that TensorFlow used the {used}")
    print(json.dumps({"step_seconds": seconds, "facts": devices.facts(policy)}))


def environment(mode: str, device: str) -> dict:
    """Return the caller's environment with the policy's variables, or without any of them."""
    from bitforbit.policy import Policy

    policy = Policy(device=device)
    known = {*Policy().environment(), *Policy(device="gpu").environment(), *policy.must_stay_unset}
    clean = {name: value for name, value in os.environ.items() if name not in known} | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if mode == "policy":
        return clean | policy.environment()
    return clean | ({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})


def measure(subject: str, mode: str, options) -> dict:
    command = [sys.executable, __file__, subject, "--child", mode, "--device", options.device]
    command += ["--epochs", str(options.epochs), *(["--tiny"] if options.tiny else [])]
    done = subprocess.run(command, env=environment(mode, options.device), capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        sys.exit(f"benchmarks/gpu.py: {subject}, {mode}: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="The price of determinism on one device.")
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(BUILT_IN + BLOCKS)} (default: all)")
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--tiny", action="store_true", help="small blocks, to try the script")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=MODES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.subjects if name not in BUILT_IN + BLOCKS]
    if unknown:
        parser.error(f"expected subjects of {', '.join(BUILT_IN + BLOCKS)}, received {unknown[0]!r}")
    if options.child:
        return child(options)
    if options.device == "gpu":
        from bitforbit.errors import BitforbitError
        from bitforbit.policy import devices

        try:
            devices.require_gpu()
        except BitforbitError as error:
            print(f"benchmarks/gpu.py: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
    report(options)


def report(options) -> None:
    from bitforbit.training import identity

    ratios, facts = {}, {}
    for subject in options.subjects or BUILT_IN + BLOCKS:
        seconds = {mode: [] for mode in MODES}
        for number in range(options.rounds):
            # Another order each round, so that none always comes after the same one.
            for mode in MODES[:: -1 if number % 2 else 1]:
                found = measure(subject, mode, options)
                seconds[mode].append(found["step_seconds"])
                facts = found["facts"]
        ratios[subject] = {
            "minima": min(seconds["policy"]) / min(seconds["default"]),
            "medians": statistics.median(seconds["policy"]) / statistics.median(seconds["default"]),
        }
    stack = identity.stack(options.device)
    if options.json:
        print(json.dumps({"device": options.device, "ratios": ratios, "host": facts, "stack": stack}, indent=2))
        return
    print(f"{options.device}, {options.rounds} rounds; a training step, policy / default: ratio of minima (of medians)")
    for subject, ratio in ratios.items():
        print(f"  {subject:18} {ratio['minima']:5.2f} ({ratio['medians']:.2f})")
    for gpu in facts.get("gpus", ()):
        print(f"  {gpu['name']}, driver {facts['driver']}, {gpu['code']}")
    print("  " + ", ".join(f"{name} {version}" for name, version in stack.items()))


if __name__ == "__main__":
    main()
