"""One tree, two presenters."""

from bitforbit.report import tree


def example() -> tree.Node:
    root = tree.Node("a < b", mark="bad")
    branch = root.add("branch")
    branch.add("x = 1", code=True)
    branch.add("y")
    root.add("leaf", "good").add("under the last one")
    return root


def test_text():
    assert tree.text(example()).splitlines() == [
        "a < b",
        "├─ branch",
        "│  ├─ x = 1",
        "│  └─ y",
        "└─ leaf",
        "   └─ under the last one",
    ]


def test_a_page_is_whole_and_escaped():
    page = tree.page(example(), "a < b")
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert "<title>a &lt; b</title>" in page and "a < b" not in page
    assert "<code>x = 1</code>" in page
    assert page.count("<li") == page.count("</li>") == 5
