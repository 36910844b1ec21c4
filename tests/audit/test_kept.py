"""Graphs that Grappler rewrote for one replicate serve the next: by their content, and only where a pool asks for it."""

import pytest

from bitforbit.audit import graph, grappler


@pytest.fixture
def rewrites(monkeypatch):
    """Count the calls of Grappler."""
    from tensorflow.python.grappler import tf_optimizer

    calls, stock = [], tf_optimizer.OptimizeGraph
    monkeypatch.setattr(tf_optimizer, "OptimizeGraph", lambda *a, **k: calls.append(1) or stock(*a, **k))
    return calls


def traced(factor: float):
    import tensorflow as tf

    function = tf.function(lambda x: factor / tf.sqrt(x), autograph=False)
    return function.get_concrete_function(tf.TensorSpec([4], tf.float32))


def test_a_kept_graph_is_the_rewritten_one(monkeypatch, tmp_path, rewrites):
    one = traced(1.0)
    without = graph.count([("train", one)], {})
    assert len(rewrites) == 1
    monkeypatch.setattr(grappler, "keep_in", tmp_path)
    assert graph.count([("train", one)], {}) == graph.count([("train", one)], {}) == without
    assert len(rewrites) == 2 and "Rsqrt" in {use.op for use in without}
    graph.count([("train", traced(2.0))], {})
    assert len(rewrites) == 3, "another graph was taken for the kept one"


def test_control_outputs_are_given_in_one_order(monkeypatch, tmp_path, rewrites):
    """A graph holds them as a set, in the order of their addresses, which differ from process to process."""
    from types import SimpleNamespace

    graph_def = traced(1.0).graph.as_graph_def()
    ops = [SimpleNamespace(name=node.name) for node in graph_def.node]
    assert len(ops) > 1
    monkeypatch.setattr(grappler, "keep_in", tmp_path)
    for order in (ops, ops[::-1]):
        grappler.optimize(SimpleNamespace(outputs=[], control_outputs=order), graph_def)
    assert len(rewrites) == 1
