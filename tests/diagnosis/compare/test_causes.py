"""Each circumstance that a trace records becomes a cause where it differs, the likeliest for the kind first."""

import html.parser
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from bitforbit.cli import main
from bitforbit.diagnosis.compare import compare
from bitforbit.diagnosis.trace import store
from bitforbit.diagnosis.trace.sites import Site

DATA = {"root": "a" * 64, "arrays": [{"path": "x_train", "dtype": "float32", "shape": [2], "sha256": "a"}]}
SUBJECT = {
    "kind": "experiment", "experiment": "e", "source": "1", "config": {"units": 8}, "seed": 1, "host_class": "cpu",
    "policy": {"pool_size": 2}, "stack": {"tensorflow": "2.21.0"}, "data": DATA,
}  # fmt: skip
ENVIRONMENT = {
    "variables": {"TF_NUM_INTRAOP_THREADS": "2", "ONEDNN_MAX_CPU_ISA": "AVX2", "PYTHONHASHSEED": "0"},
    "thread_pools": "2 intra-op and 2 inter-op threads",
    "host": {"cpu": "AMD A", "libc": "glibc 2.36", "python": "3.11.7", "kernel": "6.1"},
    "libm": "1111", "kernels": "2222", "driver": "none", "commit": "abc", "image": "bitforbit:cpu",
    "packages": {"scipy": "1.16.0"},
}  # fmt: skip


SITES = [
    Site(name, "float32", (None, 2)) for name in ("batch/x", "act/a", "loss/loss", "grad/a/kernel", "weight/a/kernel")
]


def trace(folder, subject=SUBJECT, environment=ENVIRONMENT, site=None):
    writer = store.Writer(folder, store.Window())
    table = np.arange(5 * len(SITES)).reshape(5, len(SITES))
    if site is not None:
        table[3, site:] += 1
    writer.stream("model", SITES).append(table)
    writer.close({"subject": subject, "environment": environment})
    return folder


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"thread_pools": "7 intra-op and 2 inter-op threads"},
         ("thread pools", "2 intra-op and 2 inter-op threads", "7 intra-op and 2 inter-op threads")),
        ({"libm": "3333"}, ("libm", "1111", "3333")),
        ({"driver": "NVRM version: 570"}, ("driver", "none", "NVRM version: 570")),
        ({"packages": {"scipy": "1.17.0"}}, ("packages", "scipy 1.16.0", "scipy 1.17.0")),
        ({"commit": "abc+changes"}, ("commit", "abc", "abc+changes")),
        ({"kernels": "4444"}, ("kernels", "2222", "4444")),
        ({"image": "other"}, ("image", "bitforbit:cpu", "other")),
        ({"host": {"cpu": "Intel B"}}, ("cpu", "AMD A", "Intel B")),
        ({"host": {"libc": "glibc 2.41"}}, ("libm", "glibc 2.36", "glibc 2.41")),
        ({"variables": {**ENVIRONMENT["variables"], "ONEDNN_MAX_CPU_ISA": "SSE41"}},
         ("instruction set", "ONEDNN_MAX_CPU_ISA=AVX2", "ONEDNN_MAX_CPU_ISA=SSE41")),
        ({"variables": {**ENVIRONMENT["variables"], "PYTHONHASHSEED": "7"}},
         ("environment variable", "PYTHONHASHSEED=0", "PYTHONHASHSEED=7")),
    ],
)  # fmt: skip
def test_of_the_environment(tmp_path, change, cause):
    a = trace(tmp_path / "a")
    found = compare(a, trace(tmp_path / "b", environment=ENVIRONMENT | change, site=1), zoom=False)
    assert [(c.name, c.a, c.b) for c in found.causes] == [cause]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"seed": 2}, ("seed", "1", "2")),
        ({"config": {"units": 9}}, ("config", "units=8", "units=9")),
        ({"arguments": ["--lr", "1"]}, ("config", "arguments ", "arguments --lr 1")),
        ({"source": "2"}, ("source", "1", "2")),
        ({"policy": {"pool_size": 1}}, ("thread pools", "pool size 2", "pool size 1")),
        ({"host_class": "gpu"}, ("host class", "cpu", "gpu")),
        ({"stack": {"tensorflow": "2.22.0"}}, ("packages", "tensorflow 2.21.0", "tensorflow 2.22.0")),
        ({"data": DATA | {"root": "b" * 64}}, ("data", "a" * 16, "b" * 16)),
    ],
)
def test_of_what_was_trained(tmp_path, change, cause):
    a = trace(tmp_path / "a")
    found = compare(a, trace(tmp_path / "b", subject=SUBJECT | change, site=1), anyway=True, zoom=False)
    assert [(c.name, c.a, c.b) for c in found.causes] == [cause]


def test_the_kind_of_difference_decides_what_comes_first(tmp_path):
    subject = SUBJECT | {"data": DATA | {"root": "b" * 64}}
    environment = ENVIRONMENT | {"thread_pools": "7 intra-op and 2 inter-op threads", "commit": "def"}
    a = trace(tmp_path / "a")
    names = []
    for site in (0, 3):
        b = trace(tmp_path / f"b{site}", subject, environment, site)
        names.append([cause.name for cause in compare(a, b, zoom=False).causes])
    assert names == [["data", "commit", "thread pools"], ["data", "thread pools", "commit"]]


def test_a_page_stands_alone_and_escapes_what_it_shows(tmp_path, capsys):
    evil = "<script>alert('x')</script>&\"quoted\""
    a = trace(tmp_path / "a")
    b = trace(tmp_path / "b<i>", environment=ENVIRONMENT | {"commit": evil}, site=1)
    page = tmp_path / "x.html"
    assert main(["compare", str(a), str(b), "--no-zoom", "--html", str(page), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["difference"]["causes"][0]["b"] == evil
    text = page.read_text()
    tags: list[str] = []
    shown: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)
            assert not {"src", "href", "onload", "onclick"} & {name for name, _ in attrs}

        def handle_data(self, data):
            shown.append(data)

    Reader().feed(text)
    assert not {"script", "i", "link", "img"} & set(tags)
    assert evil in shown
    assert re.findall(r"https?://|url\(|@import", text) == []


def test_exit_codes(tmp_path, capsys):
    a, b = trace(tmp_path / "a"), trace(tmp_path / "b", site=1)
    other = trace(tmp_path / "c", subject=SUBJECT | {"config": {"units": 9}, "host_class": "gpu"}, site=1)
    assert [main(["compare", str(a), str(x), "--no-zoom"]) for x in (a, b, other)] == [0, 1, 2]
    assert capsys.readouterr().err.splitlines()[1:3] == ["  config: units 8 and 9", "  class: cpu and gpu"]


def test_a_page_that_cannot_be_written_is_told_before_anything_is_run(tmp_path, capsys):
    a, b = trace(tmp_path / "a"), trace(tmp_path / "b", site=1)
    assert main(["compare", str(a), str(b), "--html", str(tmp_path / "none" / "x.html")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bitforbit compare: expected a folder that can be written for --html ")


def test_tensorflow_is_not_needed(tmp_path):
    a, b = trace(tmp_path / "a"), trace(tmp_path / "b", site=1)
    code = "import sys; from bitforbit.cli import main; main(sys.argv[1:]); assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, "compare", a, b], check=True, capture_output=True)
