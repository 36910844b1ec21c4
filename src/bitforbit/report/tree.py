"""One tree of lines, many presenters: text for a terminal, HTML for a browser."""

import html
from dataclasses import dataclass, field

STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
ul { list-style: none; padding-left: 1.2rem; border-left: 1px solid #d0d0d0; } .root > ul { padding-left: .6rem; }
code { background: #f3f3f3; padding: .1rem .3rem; white-space: pre-wrap; word-break: break-all; }
.bad > .line { color: #a3000b; font-weight: 600; } .good > .line { color: #14682c; font-weight: 600; }
"""


@dataclass
class Node:
    """A line with lines under it.

    Attributes:
        text: one line.
        children: nodes under it.
        mark: `good`, `bad` or empty; colour in HTML.
        code: the text is a command or a line of code.
    """

    text: str
    children: list["Node"] = field(default_factory=list)
    mark: str = ""
    code: bool = False

    def add(self, text: str, mark: str = "", code: bool = False) -> "Node":
        """Add a line under this one and return it."""
        self.children.append(Node(text, [], mark, code))
        return self.children[-1]


def text(root: Node) -> str:
    """Return the tree as lines with box characters, no newline at the end."""
    return "\n".join([root.text, *_lines(root, "")])


def _lines(node: Node, indent: str):
    for child in node.children:
        last = child is node.children[-1]
        yield f"{indent}{'└─' if last else '├─'} {child.text}"
        yield from _lines(child, f"{indent}{'   ' if last else '│  '}")


def page(root: Node, title: str) -> str:
    """Return the tree as one HTML page that needs no other file."""
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f'<style>\n{STYLE}</style>\n<div class="root {root.mark}">{_html(root)}</div>\n</html>\n'
    )


def _html(node: Node) -> str:
    escaped = html.escape(node.text)
    line = f'<span class="line">{f"<code>{escaped}</code>" if node.code else escaped}</span>'
    items = "".join(f'<li class="{child.mark}">{_html(child)}</li>\n' for child in node.children)
    return f"{line}<ul>\n{items}</ul>" if items else line
