"""A difference as a tree of lines for people."""

from bitforbit.diagnosis.compare.difference import MEANING, Difference

LISTED = 6


def lines(found: Difference | None, a, b) -> list[str]:
    """Return the text; `a` and `b` are the folders that were compared."""
    if found is None:
        return [f"same: {a} and {b} do not differ"]
    tree = branches(found)
    causes = [f"{n}. {_cause(cause)}" for n, cause in enumerate(found.causes, start=1)]
    output = [f"different: {a} and {b}"]
    for title, value in tree:
        last = not causes and (title, value) == tree[-1]
        output.append(f"{'└─' if last else '├─'} {title}: {value}")
    if causes:
        output.append("└─ likely causes")
        output += [f"   {'└─' if cause is causes[-1] else '├─'} {cause}" for cause in causes]
    return output + [f"to learn more: {line}" for line in found.more]


def branches(found: Difference) -> list[tuple[str, str]]:
    """Return `(title, text)` of everything but the causes."""
    tree = [("first difference", _where(found)), ("kind", f"{found.kind}: {MEANING[found.kind]}")]
    if found.site:
        tree.append(("tensor", f"{found.site}  {found.tensor}".rstrip()))
    if found.layer and found.layer != found.site:
        tree.append(("layer path", found.layer))
    if found.elements:
        tree.append(("elements", str(found.elements)))
    if found.summary:
        tree.append(("that is", found.summary))
    if len(found.differing) > 1:
        rest = len(found.differing) - LISTED
        shown = ", ".join(found.differing[:LISTED]) + (f" and {rest} more" if rest > 0 else "")
        tree.append((f"{len(found.differing)} of {found.sites} sites differ there", shown))
    if found.op:
        tree.append(("op", f"{found.op.type} {found.op.name}"))
        if found.op.forward:
            tree.append(("gradient of", found.op.forward))
        if found.op.layer:
            tree.append(("in layer", found.op.layer))
        tree.append(("made at", f"{found.op.line}  {found.op.code}".rstrip()))
        tree += [("which calls", entry) for entry in found.op.inside]
        tree += [("called from", entry) for entry in found.op.stack]
        if found.op.elements:
            tree.append(("its output", str(found.op.elements)))
    return tree


def _where(found: Difference) -> str:
    if found.step is None:
        return "before training" if not found.epoch else f"epoch {found.epoch}"
    before = " (before it)" if found.kind == "init" else ""
    epoch = "" if found.epoch is None else f"epoch {found.epoch}, "
    return f"{epoch}step {found.step}{before}, model {found.stream}"


def _cause(cause) -> str:
    return f"{cause.name}: {cause.why}" if cause.a == cause.b else f"{cause.name}: {cause.a} | {cause.b} ({cause.why})"
