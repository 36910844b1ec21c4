"""Every piece of code in docs/own-data.md runs, and gives the same arrays when every listing is reversed."""

import importlib.util
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from support import PROJECT

from bitforbit import datalock

PAGE = (PROJECT / "docs" / "own-data.md").read_text()
PIECES = dict(re.findall(r"^## (.*?)\n.*?^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project with data of each kind: 20 examples, label 0 or 1."""
    import tensorflow as tf

    root = tmp_path_factory.mktemp("own")
    (root / "data" / "records").mkdir(parents=True)
    x = np.arange(40, dtype="float32").reshape(20, 2) / 8
    y = np.arange(20) % 2
    rows = "".join(f"{a},{b},{label}\n" for (a, b), label in zip(x.tolist(), y.tolist(), strict=True))
    (root / "data" / "table.csv").write_text("width,height,label\n" + rows)
    np.savez(root / "data" / "arrays.npz", x=x, y=y)
    for number, label in enumerate(y.tolist()):
        path = root / "data" / "images" / ("cat", "dog")[label] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tf.io.encode_png(np.full((3, 4, 1), number, "uint8")).numpy())
    for part in range(4):
        with tf.io.TFRecordWriter(str(root / "data" / "records" / f"{part}.tfrecord")) as writer:
            for i in range(part * 5, part * 5 + 5):
                features = {
                    "x": tf.train.Feature(float_list=tf.train.FloatList(value=x[i].tolist())),
                    "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[int(y[i])])),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    datalock.add(root / "data", root / "data.lock")
    return root


def load(folder, title):
    path = folder / "src" / "mine" / "experiment.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PIECES[title])
    spec = importlib.util.spec_from_file_location("own_data_piece", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load_data(None)


def test_the_page_has_every_kind():
    assert list(PIECES) == ["CSV", "NumPy", "A folder of images", "TFRecord", "tf.data", "Prepared once and kept"]


@pytest.mark.parametrize("title", PIECES)
def test_a_piece_gives_the_same_arrays_in_any_order_of_folders(folder, title, monkeypatch):
    first = load(folder, title)
    for name in ("glob", "iterdir"):
        listing = getattr(Path, name)
        monkeypatch.setattr(Path, name, lambda *arguments, _listing=listing: list(_listing(*arguments))[::-1])
    again = load(folder, title)
    assert len(first.x_train) + len(first.x_test) == 20 and len(first.x_test) > 0
    for left, right in zip(first, again, strict=True):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert left.tobytes() == right.tobytes()


def test_tables_arrays_and_records_hold_the_same_examples(folder):
    tables = [load(folder, title) for title in ("CSV", "NumPy", "TFRecord")]
    for left, right in itertools.pairwise(tables):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(left, right, strict=True))


def test_what_is_kept_is_prepared_anew_after_a_change(folder):
    load(folder, "Prepared once and kept")
    load(folder, "Prepared once and kept")
    kept = list((folder / ".bitforbit").glob("prepared-*.npz"))
    (folder / "data.lock").write_text((folder / "data.lock").read_text().replace("table.csv", "table.CSV"))
    load(folder, "Prepared once and kept")
    assert len(list((folder / ".bitforbit").glob("prepared-*.npz"))) == len(kept) + 1
