"""Through the command line: a model whose bits depend on the host is refused by name before it trains."""

import json

import pytest
from support import bitforbit

HUE = "the same op in float64: tf.cast(image, 'float64')"
WIDE = "the same op in float64: tf.cast(x, 'float64')"


def refused(odd, tmp_path, kind):
    done = bitforbit("train", odd, "--set", f"kind={kind}", "--runs", tmp_path)
    assert done.returncode == 2, done.stderr
    assert not list(tmp_path.glob("odd/*/*"))
    return done.stderr.splitlines()[1:]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("bessel", f"  BesselI0 float32 in odd (Odd). Next step: use {WIDE}."),
        (
            "complex",
            "  Log complex64 in odd (Odd). Next step: use the same op in complex128: tf.cast(x, 'complex128').",
        ),
        ("loop", f"  BesselI0 float32 in odd (Odd). Next step: use {WIDE}."),
    ],
)
def test_a_host_dependent_op_is_refused_by_name(odd, tmp_path, kind, line):
    lines = refused(odd, tmp_path, kind)
    assert lines[0] == ("bitforbit train: expected ops that give the same bits on every host, found in the model:")
    assert line in lines
    assert lines[-1] == "  (--no-strict goes on, for this CPU model only)"


def test_no_strict_goes_on_and_claims_this_cpu_only(odd, tmp_path):
    done = bitforbit("train", odd, "--set", "kind=bessel", "--runs", tmp_path, "--no-strict", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["result"]
    assert found["host_dependent_ops"] == ["BesselI0 float32", "BesselI1 float32"]
    assert found["host_class"].startswith("cpu-x86-64-v3/")
    assert "warning: expected ops that give the same bits on every host" in done.stderr


def test_an_unproven_op_warns_and_lowers_the_class(odd, tmp_path):
    done = bitforbit("train", odd, "--set", "kind=unproven", "--runs", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["result"]
    assert found["unproven_ops"] == ["PyFunc float32"]
    family = found["host_class"].removeprefix("cpu-x86-64-v3/").split("-")
    assert len(family) == 4, found["host_class"]
    lines = done.stderr.splitlines()
    at = lines.index("warning: not known to give the same bits on every host:")
    assert lines[at + 1] == "  PyFunc float32 in odd (Odd)"
    assert lines[at + 2] == f"warning: the result claims no more than the class {found['host_class']}"


def test_an_ordinary_model_claims_the_class_of_all_hosts(odd, tmp_path):
    done = bitforbit("train", odd, "--runs", tmp_path, "--json")
    found = json.loads(done.stdout)["result"]
    assert found["host_class"] == "cpu-x86-64-v3"
    assert "unproven_ops" not in found
    assert "warning" not in done.stderr


def test_a_model_that_runs_eagerly_cannot_be_audited(odd, tmp_path):
    done = bitforbit("train", odd, "--set", "eager=true", "--runs", tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "bitforbit train: expected a model whose steps are graphs, found run_eagerly=True: its ops cannot be listed"
        " before they run. Next step: model.compile(..., run_eagerly=False)",
    )


def test_audit_says_1_and_names_the_layer(odd):
    done = bitforbit("audit", odd, "--set", "kind=bessel", "--json")
    assert done.returncode == 1, done.stderr
    (found,) = [row for row in json.loads(done.stdout)["ops"] if row["op"] == "BesselI0"]
    assert found == {
        "op": "BesselI0", "dtype": "float32", "count": found["count"], "verdict": "host-dependent",
        "evidence": "emulation", "instead": WIDE, "graphs": ["train", "test", "predict"], "layers": ["odd (Odd)"],
    }  # fmt: skip


def test_audit_sees_what_grappler_puts_in(odd):
    """`a / sqrt(b)` stands in no source as Rsqrt; layer normalization asks for it."""
    done = bitforbit("audit", odd, "--set", "kind=root", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = [row for row in json.loads(done.stdout)["ops"] if row["op"] == "Rsqrt"]
    assert (found["verdict"], found["evidence"]) == ("replaced", "kernel")
    assert found["layers"] == ["norm (LayerNormalization)", "odd (Odd)"]


def test_the_table_for_people(odd):
    done = bitforbit("audit", odd)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["op", "dtype", "count", "verdict", "evidence", "layers"]
    row = next(line.split() for line in lines if line.startswith("Rsqrt "))
    assert (row[1], row[3:]) == ("float32", ["replaced", "kernel", "norm"])
    assert lines[-1].endswith("0 unproven, 0 host-dependent")


def test_an_op_that_calls_the_c_library_names_it_in_the_class():
    """Binary cross-entropy behind a bare sigmoid takes log1p; without other findings only the libc narrows the class."""
    from bitforbit.audit import check, nodes
    from bitforbit.policy import host

    use = nodes.Use(**dict.fromkeys(nodes.Use._fields, "") | {"op": "Log1p", "dtype": "float32"})
    found = check.audit({use: 1})
    assert found.lowered() == {
        "host_class": f"cpu-x86-64-v3/{host.libc()}",
        "libc_dependent_ops": ["Log1p float32"],
    }
