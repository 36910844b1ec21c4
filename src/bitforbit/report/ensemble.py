"""Print what an ensemble is made of, what it gains, and whether its file holds."""

from bitforbit.replicates.statistics import moments


def tell(document: dict) -> list[str]:
    """Return the member table, the gain, how far two builds differ, and how many members are enough."""
    gain, seeds = document["gain"], document["members"]
    names = list(gain["ensemble"])
    lines = ["  seed    " + "  ".join(f"{name:>12}" for name in names) + "  weights"]
    for member, scores in zip(seeds, gain["members"], strict=True):
        cells = "  ".join(f"{scores[name]:{max(12, len(name))}.6g}" for name in names)
        lines.append(f"  {member['seed']:<8}{cells}  {member['weights'][:16]}")
    lines.append(
        f"{document['experiment']} {document['config_hash'][:12]}: {len(seeds)} members, seeds {document['seeds']}"
    )
    for name in names:
        values = [scores[name] for scores in gain["members"]]
        spread = moments.deviation(values)
        lines.append(
            f"  {name:24}  ensemble {gain['ensemble'][name]:.6g}"
            f"   (one member {moments.mean(values):.6g} ± {spread:.3g})"
        )
    if "by_output" not in document:
        return lines + _output(document)
    for found in document["by_output"]:
        lines += [f"output {found['name']}", *_output(found)]
    return lines


def _output(found: dict) -> list[str]:
    """Return how far two builds differ in one output, and how many members are enough."""
    built = found["builds"]
    lines = []
    if "churn" in built:
        lines.append(
            f"  two builds classify       {100 * built['churn']:.3g} % of examples differently with {built['members']}"
            f" members each   (single members: {100 * built['single_churn']:.3g} %)"
        )
    lines.append(
        f"  two builds differ by      {built['disagreement']:.4g} RMS with {built['members']} members each"
        f"   (single members: {built['single_disagreement']:.4g})"
    )
    head = f"  members  two builds differ (RMS, sqrt(2 V / M), V = {found['variance']:.4g})"
    lines.append(head + (f"   {found['error']}: rule, measured" if found["error"] else ""))
    for row in found["rows"]:
        errors = f"   {row['predicted_error']:.5g}, {row['error']:.5g}" if "error" in row else ""
        lines.append(f"  {row['members']:>7}  {row['disagreement']:<10.4g}{errors}")
    if "enough" in found:
        enough = found["enough"]
        lines.append(f"  {enough['members']} members keep two builds within {enough['tolerance']:g} RMS   (2 V / t^2)")
    return lines


def tell_verdict(verdict, path) -> list[str]:
    """Return the lines of `bitforbit verify ensemble.keras`."""
    good = sum(not problem for _, problem in verdict.members)
    lines = [f"{path}: {good} of {len(verdict.members)} members have the weights of their result"]
    lines += [f"  seed {seed}: {problem}" for seed, problem in verdict.members if problem]
    lines.append(f"  formula      {verdict.structure or 'mean over members on the last axis, in seed order'}")
    lines.append(f"  predictions  {verdict.predictions}")
    return [*lines, "same" if verdict.same else "different"]
