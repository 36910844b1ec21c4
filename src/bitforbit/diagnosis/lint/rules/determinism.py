"""What op determinism does not cover, and what it makes raise."""

import ast

from bitforbit.diagnosis.lint.rule import Rule


class OutsideDeterminism(Rule):
    """A way to run a model that op determinism does not cover.

    `enable_op_determinism` names TF1 sessions and parameter servers as outside of its promise: steps run, and add, in
    the order in which they arrive.

    Bad:

        y = tf.compat.v1.Session().run(x)

    Good:

        y = step(x)     # a tf.function
    """

    code, name = "BFB606", "outside-determinism"
    SESSION = "TF1 sessions are outside of op determinism's promise. Use tf.function"
    SERVER = "a parameter server adds in the order of arrival. Use one device, or MirroredStrategy"
    USES = (
        ("tensorflow.compat.v1.Session", SESSION),
        ("tensorflow.compat.v1.InteractiveSession", SESSION),
        ("tensorflow.compat.v1.disable_eager_execution", SESSION),
        ("tensorflow.compat.v1.disable_v2_behavior", SESSION),
        ("tensorflow.distribute.ParameterServerStrategy", SERVER),
        ("tensorflow.distribute.experimental.ParameterServerStrategy", SERVER),
    )

    def check(self, source):
        for path, why in self.USES:
            for call in source.called(path):
                yield call, f"{ast.unparse(call.func)}(): {why}."
