"""A graph's digests: large tensors by an op each where they are computed, the others with the state, in one row a step."""

import numpy as np
import pytest
import tensorflow as tf

from bitforbit.diagnosis.trace import native, sites

SIZES = (5, native.LARGE // 4, 3, native.LARGE)
STEPS = 70  # more than the ring has rows


def collected(ring, make):
    """Return a function that makes steps in a loop of its graph; each step digests what `make(step)` returns."""

    @tf.function(autograph=False)
    def steps(number):
        def one(step):
            digests = native.Digests()
            tensors, state = make(step)
            for tensor in tensors:
                digests.add(tensor)
            digests.begin_state()
            for tensor in state:
                digests.add(tensor)
            digests.later(ring)
            return [step + 1]

        return tf.while_loop(lambda step: step < number, one, [tf.constant(0)])

    return steps


def made(step):
    value = tf.cast(step, tf.float32)
    return [tf.fill([size], value + size) for size in SIZES], [
        tf.fill([7], -value),
        tf.fill([native.LARGE], -value - 1),
    ]


def held(steps_into, expected):
    """Hold the rows that the steps write to their ring against `expected`, and return the steps."""
    rows = []
    ring = native.Ring(len(expected[0]), lambda: rows.extend(ring.take()))
    steps = steps_into(ring)
    steps(tf.constant(len(expected)))
    ring.wait()
    rows.extend(ring.take())
    ring.close()
    assert np.array_equal(rows, expected)
    return steps


def ops_of(make, number):
    """Hold the rows of so many steps against the digests of `make`'s tensors, and return the columns of each op."""
    expected = [[native.of(tensor) for part in make(tf.constant(step)) for tensor in part] for step in range(number)]
    steps = held(lambda ring: collected(ring, make), expected)
    return {
        name: sorted(list(node.attr["columns"].list.i) for node in nodes_of(steps) if node.op == name)
        for name in ("BitforbitDigestEarly", "BitforbitDigestLater")
    }


def nodes_of(steps):
    graph = steps.get_concrete_function(tf.TensorSpec([], tf.int32)).graph.as_graph_def()
    return [node for function in graph.library.function for node in function.node_def]


@pytest.mark.parametrize("early_only", [False, True])
def test_each_steps_row_has_the_digests_of_its_own_tensors_in_their_order(early_only):
    def make(step):
        tensors, state = made(step)
        return (tensors, []) if early_only else (tensors, state)

    ops = ops_of(make, STEPS)
    assert (len(ops["BitforbitDigestEarly"]), len(ops["BitforbitDigestLater"])) == ((1 if early_only else 2), 1)


def test_a_tensor_in_other_shapes_is_digested_once_for_all_its_columns():
    def make(step):
        value = tf.fill([4, native.LARGE], tf.cast(step, tf.float32))
        flat = tf.reshape(tf.identity(value), [-1])
        return [value, flat, value + 1, tf.expand_dims(flat, 0)], [tf.fill([7], -step)]

    assert ops_of(make, 3)["BitforbitDigestEarly"] == [[0, 1, 3], [2]]


def test_what_a_loop_hands_out_is_digested_last():
    def make(step):
        value = tf.fill([native.LARGE], tf.cast(step, tf.float32))
        handed = tf.while_loop(lambda x: x[0] < 9, lambda x: [x + 2], [value])[0]
        return [handed, tf.identity(handed), handed + 1], [tf.fill([7], -step)]

    assert ops_of(make, 3) == {"BitforbitDigestEarly": [[2]], "BitforbitDigestLater": [[0, 1, 3]]}


@pytest.mark.parametrize("sparse", [False, True])
def test_variables_are_read_by_one_op_whose_tensors_no_later_step_changes(sparse):
    table, turns = tf.Variable(tf.zeros([STEPS, 4 * native.LARGE])), tf.Variable(0, dtype=tf.int64)

    def update(step):
        turns.assign_add(1)
        line = tf.IndexedSlices(tf.ones([1, 4 * native.LARGE]), [step])
        return table.scatter_add(line) if sparse else table.assign_add(tf.ones_like(table))  # sparse: in place

    expected = []
    for step in range(STEPS):
        update(step)
        expected.append([native.of(table), native.of(turns)])
    eager = sites.Collector()
    eager.add_variables(sites.WEIGHT, [table, turns])
    assert eager.digests.values == expected[-1]
    table.assign(tf.zeros_like(table))
    turns.assign(0)

    def steps_into(ring):
        @tf.function(autograph=False)
        def steps(number):
            def one(step):
                update(step)
                collector = sites.Collector()
                collector.digests.begin_state()
                collector.add_variables(sites.WEIGHT, [table, turns])
                collector.digests.later(ring)
                return [step + 1]

            return tf.while_loop(lambda step: step < number, one, [tf.constant(0)])

        return steps

    steps = held(steps_into, expected)
    reads = [node.op for node in nodes_of(steps) if node.op in ("ReadVariableOp", "_ReadVariablesOp")]
    assert reads == ["_ReadVariablesOp"]


def test_two_streams_and_a_closed_one_do_not_mix():
    rings = [native.Ring(len(SIZES) + 2, lambda: None) for _ in range(3)]
    functions = [collected(ring, made) for ring in rings]
    for steps in functions:
        steps(tf.constant(2))
    native.Ring.wait()
    rings[1].close()
    functions[1](tf.constant(3))
    first, last = rings[0].take(), rings[2].take()
    assert len(first) == 2 and np.array_equal(first, last)
    for ring in (rings[0], rings[2]):
        ring.close()
