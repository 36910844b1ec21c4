"""The prepared arrays: shapes, counts found by other means, disjoint parts, and the same bits in every process."""

import collections
import hashlib
import itertools
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from bitforbit import datasets
from bitforbit.errors import DataError
from bitforbit.experiments import digits, peptides, sequence, solubility
from bitforbit.experiments._molecules import Graph, Molecule, describe, parse_sdf

MODULES = {module.__name__.rpartition(".")[2]: module for module in (sequence, digits, solubility, peptides)}

SHAPES = {
    "sequence": [("float32", (10, 1)), ("float32", (10, 1)), ("float32", (10, 1)), ("float32", (10, 1))],
    "digits": [("float32", (1443, 8, 8, 1)), ("int32", (1443,)), ("float32", (354, 8, 8, 1)), ("int32", (354,))],
    "solubility": [("float32", (1021, 30)), ("float32", (1021, 1)), ("float32", (257, 30)), ("float32", (257, 1))],
    "peptides": [("int32", (3669, 50)), ("float32", (3669, 1)), ("int32", (951, 50)), ("float32", (951, 1))],
}

# SHA-256 over the little-endian bytes of the four arrays: these hold on every host, or the data is not the data.
DIGESTS = {
    "sequence": "4ff48cc37e57868c46f4847f5008e1d09d24b10dc280adcd088939de950e0574",
    "digits": "dac9e2ed8fd6af7adf7f58ce3e12d90f963e36872e961294aad5b29a4d6ee376",
    "solubility": "23f4d4bf20ab7f376b2073194e9dfb0781f4608230a5f3a565163d103105d278",
    "peptides": "d9447d525c34a3aa69383a491a129d4fcf4cc4458d23fe040a5fda1ea7828782",
}

DIGEST = """
import hashlib, sys
from importlib import import_module
for name in sys.argv[1:]:
    module = import_module("bitforbit.experiments." + name)
    data = module.load_data(module.Config())
    print(name, hashlib.sha256(b"".join(a.astype(a.dtype.newbyteorder("<")).tobytes() for a in data)).hexdigest())
"""


def rows(array) -> set[bytes]:
    return {row.tobytes() for row in array}


@pytest.fixture(scope="module")
def data():
    return {name: module.load_data(module.Config()) for name, module in MODULES.items()}


@pytest.mark.parametrize("name", MODULES)
def test_shapes_and_types(data, name):
    assert [(array.dtype.name, array.shape) for array in data[name]] == SHAPES[name]
    assert all(np.isfinite(array).all() for array in data[name])


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_every_process_prepares_the_same_bits(hash_seed, tmp_path, monkeypatch):
    monkeypatch.setenv("BITFORBIT_DATA", str(datasets.folder()))
    monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, *MODULES], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert dict(line.split() for line in done.stdout.splitlines()) == DIGESTS


@pytest.mark.parametrize("name", ["digits", "peptides"])
def test_no_example_stands_in_both_parts(data, name):
    assert not rows(data[name].x_train) & rows(data[name].x_test)


def test_sequence_is_shifted_by_one(data):
    x, y, *_ = data["sequence"]
    assert [float(value) for value in x[:, 0]] == [float(np.float32(f"0.{i}")) for i in range(10)]
    assert y[:9].tobytes() == x[1:].tobytes()
    assert y[9, 0] == 1


def test_digits_are_those_of_scikit_learn(data):
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    real = sklearn_datasets.load_digits()
    x = np.concatenate([data["digits"].x_train, data["digits"].x_test])
    y = np.concatenate([data["digits"].y_train, data["digits"].y_test])
    ours = sorted((image.tobytes(), int(label)) for image, label in zip(x * 16, y, strict=True))
    theirs = zip(real.images.astype("float32"), real.target, strict=True)
    assert ours == sorted((image.tobytes(), int(label)) for image, label in theirs)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_altered_digits_are_refused(monkeypatch):
    monkeypatch.setattr(digits, "SHA256", "0" * 64)
    with pytest.raises(DataError) as caught:
        digits.load_data(digits.Config())
    assert re.fullmatch(
        r"\S+/sklearn/datasets/data/digits\.csv\.gz is altered: expected SHA-256 0{64}, found [0-9a-f]{64}\. "
        r"Next step: install the scikit-learn of requirements\.lock anew\.",
        str(caught.value),
    )


@pytest.fixture(scope="module")
def molecules():
    return parse_sdf(datasets.read("solubility.train.sdf").decode()) + parse_sdf(
        datasets.read("solubility.test.sdf").decode()
    )


def test_targets_are_the_lines_below_their_names():
    """Counted as grep -A1 would."""
    config = solubility.Config()
    lines = datasets.read("solubility.test.sdf").decode().splitlines()
    wanted = [float(after) for line, after in itertools.pairwise(lines) if line.startswith("> <SOL>")]
    assert solubility.load_data(config).y_test[:, 0].tolist() == np.array(wanted, dtype="float32").tolist()


def test_molfiles_agree_with_the_smiles_beside_them(molecules):
    """Atoms, rings and charges read from the text of the SMILES, which the experiment does not use."""
    assert len(molecules) == 1282
    for molecule in molecules:
        smiles, counts = molecule.fields["smiles"], describe(Graph(molecule))
        symbols = [name.capitalize() for name in re.findall(r"Cl|Br|Sn|[BCNOPSFI]|[cnops]", smiles)]
        assert collections.Counter(symbols) == collections.Counter(molecule.elements), smiles
        digits_of_rings = re.sub(r"\[[^\]]*\]", "", smiles)
        closures = sum(len(number) if number[0] != "%" else 1 for number in re.findall(r"%\d\d|\d", digits_of_rings))
        parts = smiles.count(".") + 1
        assert 2 * (len(molecule.bonds) - counts["atoms"] + parts) == closures, smiles
        assert (counts["ring bonds"] > 0) == (closures > 0), smiles
        # Nitro groups, which the two files draw in two ways, and one N-oxide.
        oxidised = re.findall(r"O=N\(=O\)|N\(=O\)\(?=O|n\(=O\)", smiles)
        assert counts["oxidised nitrogens"] == len(oxidised), smiles


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("strychnine", {"C": 21, "hydrogens": 22, "N": 2, "O": 2}),
        ("Cycloate", {"C": 11, "hydrogens": 21, "N": 1, "O": 1, "S": 1}),
        ("n-pentane", {"C": 5, "hydrogens": 12, "rotatable bonds": 2, "carbons among carbons": 5}),
        ("atropine", {"C": 17, "hydrogens": 23, "N": 1, "O": 3, "aromatic atoms": 6, "carbonyls": 1}),
    ],
)
def test_formulas_from_the_handbook(molecules, name, formula):
    counts = describe(Graph(next(molecule for molecule in molecules if molecule.fields["name"] == name)))
    assert {key: counts[key] for key in formula} == formula


def test_a_molecule_s_key_knows_no_order_of_atoms(molecules):
    for molecule in molecules[::40]:
        last = len(molecule.elements) - 1
        turned = Molecule(
            molecule.elements[::-1],
            molecule.charges[::-1],
            [(last - b, last - a, order) for a, b, order in molecule.bonds[::-1]],
            {},
        )
        assert Graph(turned).key() == Graph(molecule).key()
        assert describe(Graph(turned)) == describe(Graph(molecule))
    butane = Molecule(["C"] * 4, [0] * 4, [(0, 1, 1), (1, 2, 1), (2, 3, 1)], {})
    isobutane = Molecule(["C"] * 4, [0] * 4, [(0, 1, 1), (0, 2, 1), (0, 3, 1)], {})
    assert Graph(butane).key() != Graph(isobutane).key()


def test_no_molecule_is_trained_on_and_tested(molecules):
    train, test = (parse_sdf(datasets.read(f"solubility.{part}.sdf").decode()) for part in ("train", "test"))
    shared = {Graph(m).key() for m in train} & {Graph(m).key() for m in test}
    assert len(shared) == 4
    assert {m.fields["smiles"] for m in train} & {m.fields["smiles"] for m in test} <= {
        m.fields["smiles"] for m in test if Graph(m).key() in shared
    }


def test_standardised_columns_are_the_rounded_exact_ones():
    train, test = solubility.standardise([[1, 7, 5], [2, 7, 0], [6, 7, 1]], [[3, 8, 2]])
    mean, variance = Fraction(3), Fraction(14, 3)
    exact = [float((x - mean) ** 2 / variance) for x in (1, 2, 6)]
    assert (train[:, 0] ** 2).tolist() == pytest.approx(exact, rel=1e-6)
    assert np.sign(train[:, 0]).tolist() == [-1, -1, 1]
    assert train[:, 1].tolist() == [0, 0, 0]  # a column that never changes says nothing
    assert test.shape == (1, 3)


def test_labels_as_grep_counts_them(data):
    text = datasets.read("AMPvsUniProt.csv").decode()
    assert [len(re.findall(rf", {label}$", text, re.MULTILINE)) for label in (0, 1)] == [2600, 2600]
    distinct = [set(re.findall(rf"^([A-Z]+), {label}$", text, re.MULTILINE)) for label in (0, 1)]
    assert len(distinct[0] | distinct[1]) == 5200 - 558
    assert len(distinct[0] & distinct[1]) == 22
    y = np.concatenate([data["peptides"].y_train, data["peptides"].y_test])
    assert [int((y == label).sum()) for label in (0, 1)] == [len(distinct[0]) - 22, len(distinct[1]) - 22]
    assert [int((y == label).sum()) for label in (0, 1)] == [2080, 2540]


def test_peptides_can_be_read_back(data):
    letters = "-" + peptides.RESIDUES
    labels = peptides.parse(datasets.read("AMPvsUniProt.csv").decode())
    for x, y in (data["peptides"][:2], data["peptides"][2:]):
        back = ["".join(letters[code] for code in row).rstrip("-") for row in x]
        assert not any("-" in sequence for sequence in back)
        wanted = [sequence for sequence in labels if sequence[:50] in set(back)]
        assert len(wanted) == len(back)
        assert [labels[sequence] for sequence in wanted] == y[:, 0].tolist()


def test_held_out_peptides_are_chosen_by_their_own_hash(data):
    labels = peptides.parse(datasets.read("AMPvsUniProt.csv").decode())
    chosen = [s for s in labels if sum(hashlib.sha256(s.encode()).digest()) % 5 == 0]  # 256 leaves 1 when divided by 5
    assert len(chosen) == len(data["peptides"].x_test)
