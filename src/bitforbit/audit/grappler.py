"""What Grappler, TensorFlow's rewriter of graphs, makes of one; replicates of one configuration keep it."""

import hashlib
from pathlib import Path

from bitforbit.evidence import canonical

# Where replicates of one configuration keep what Grappler makes of their graphs; the seed does not change it.
keep_in: Path | None = None


def optimize(graph, graph_def):
    """Return the GraphDef that Grappler makes of a `FuncGraph` and its own, with this process's settings."""
    from tensorflow.core.protobuf import meta_graph_pb2
    from tensorflow.python.eager import context
    from tensorflow.python.grappler import cluster, tf_optimizer

    item = meta_graph_pb2.MetaGraphDef(graph_def=graph_def)
    keep = item.collection_def["train_op"].node_list.value
    # The set of control outputs comes in the order of addresses; what is kept goes by all that is given.
    keep.extend([output.op.name for output in graph.outputs] + sorted(op.name for op in graph.control_outputs))
    config = context.context().config
    kept = _kept(config, item)
    if kept and kept.exists():
        return type(graph_def).FromString(kept.read_bytes())
    optimized = tf_optimizer.OptimizeGraph(config, item, verbose=False, cluster=_cpu(cluster))
    if kept:
        canonical.write(kept, optimized.SerializeToString())
    return optimized


def _kept(config, item) -> Path | None:
    """Return where the rewritten form of a graph is kept: its name is the digest of all that Grappler is given."""
    if keep_in is None:
        return None
    given = [message.SerializeToString(deterministic=True) for message in (config, item)]
    return keep_in / f"{hashlib.sha256(b''.join(given)).hexdigest()}.graph"


def _cpu(cluster):
    """A cluster of this one CPU by description only: a real one would start a session with pools of its own."""
    from tensorflow.core.protobuf import device_properties_pb2

    properties = device_properties_pb2.DeviceProperties(type="CPU", frequency=2000, num_cores=1)
    return cluster.Cluster(
        devices=[
            device_properties_pb2.NamedDevice(
                name="/job:localhost/replica:0/task:0/device:CPU:0", properties=properties
            )
        ]
    )
