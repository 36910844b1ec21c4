"""The pages of docs/lint/ and the table of docs/lint.md, made from the rules' docstrings.

python -m bitforbit.diagnosis.lint.pages          writes docs/lint/ and the table
"""

from pathlib import Path

from bitforbit.diagnosis.lint import rules
from bitforbit.errors import UsageError

BEGIN, END = "<!-- codes: python -m bitforbit.diagnosis.lint.pages -->", "<!-- end of codes -->"


def page(rule) -> str:
    """Return one rule's page: Markdown."""
    return (
        f"# {rule.code}: {rule.name}\n\n{rule.page()}\n\nTo allow it in one place, with a reason:"
        f" `# noqa: {rule.code} why it is meant`. All codes: [lint.md](../lint.md).\n"
    )


def table() -> str:
    rows = [f"| [{rule.code}](lint/{rule.code}.md) | {rule.summary()} |" for rule in rules.every()]
    return "\n".join([BEGIN, "| code | what it finds |", "|---|---|", *rows, END])


def lines() -> list[str]:
    return [f"{rule.code}  {rule.name:28} {rule.summary()}" for rule in rules.every()]


def explain(code: str) -> str:
    """Return a code's page for a terminal.

    Raises:
        UsageError: there is no such code.
    """
    for rule in rules.every():
        if rule.code == code.upper():
            return f"{rule.code} {rule.name}\n\n{rule.page()}\n"
    raise UsageError(f"unknown code {code!r}. Next step: bitforbit lint --list")


def with_table(text: str) -> str:
    """Return the text of docs/lint.md with a fresh table between its marks."""
    before, _, rest = text.partition(BEGIN)
    return before + table() + rest.partition(END)[2]


def write(docs: Path) -> None:
    folder = docs / "lint"
    folder.mkdir(exist_ok=True)
    wanted = {f"{rule.code}.md": page(rule) for rule in rules.every()}
    for stale in folder.glob("*.md"):
        if stale.name not in wanted:
            stale.unlink()
    for name, content in wanted.items():
        (folder / name).write_text(content)
    index = docs / "lint.md"
    index.write_text(with_table(index.read_text()))


if __name__ == "__main__":
    write(Path("docs"))
