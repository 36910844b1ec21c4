"""Print what a comparison of configurations found."""

from bitforbit.replicates.statistics import superiority

FREE = {"paired by seed": ("paired t", "sign flips"), "independent seeds": ("Welch's t", "Mann-Whitney")}


def tell(document: dict) -> list[str]:
    """Return the lines on each configuration, each comparison, and the sentence on their scope."""
    lines = [f"{document['metric']} ({document['direction']})"]
    for each in document["configurations"]:
        told = ", ".join(f"{n} {status}" for status, n in each["counts"].items() if n or status == "finished")
        lines.append(
            f"  {each['name']}  {each['experiment']}/{each['config_hash'][:12]}  {each['mean']:.6g} ±"
            f" {each['deviation']:.3g}  (mean ± SD; seeds {each['seeds']}: {told})"
        )
        if each["counts"]["diverged"]:
            lines.append("     a run that diverged loses against every run that finished; the mean leaves it out")
        if each["counts"]["failed"] or each["counts"]["missing"]:
            lines.append("     failed and missing runs take part in nothing: train them, or say why not")
    for found in document["comparisons"]:
        lines += _comparison(found, document)
    return [*lines, document["scope"]]


def _comparison(found: dict, document: dict) -> list[str]:
    a, b, several = found["a"], found["b"], len(document["comparisons"]) > 1
    main, free = FREE[found["design"]]
    share = f"{100 * found['confidence']:.6g} %"
    lines = [f"{a} against {b}, {_design(found)}"]
    if found["differs_in"]:
        lines += [_line("differs in", ", ".join(f"{key}: {x} | {y}" for key, x, y in map(_short, found["differs_in"])))]
    p = f"{main} p = {found['p']:.3g}" + (f", Holm {found['p_holm']:.3g}" if several and "p_holm" in found else "")
    lines += [
        _line(f"mean {a} - {b}", f"{found['difference']:.4g}", f"{share}: {_range(found['interval'])}"),
        _line("", f"{p}; {free} p = {found['p_free']:.3g}"),
        _line(f"P({a} better)", f"{found['probability']:.3f}", f"{share}: {_range(found['probability_interval'])}"),
    ]
    if found["look"]:
        lines.append(_line("look", f"at {found['look']} seeds", _looks(document["looks"], found)))
    lines.append(_line("verdict", _verdict(found)))
    needed = found["seeds_needed"]
    if needed:
        ways = [f"{needed[way] or 'over 10000'} {way}" for way in ("paired", "independent") if way in needed]
        lines.append(_line("seeds needed", " or ".join(ways), f"to see {_amount(needed, document, a)}, power 0.8"))
    return lines


def _amount(needed: dict, document: dict, a: str) -> str:
    own = next(each["deviation"] for each in document["configurations"] if each["name"] == a)
    return f"{needed['difference']:.3g}" + (f", one SD of {a}" if needed["difference"] == own else "")


def _design(found: dict) -> str:
    if found["design"] == "paired by seed":
        r = "not defined" if found["correlation"] is None else f"{found['correlation']:.3f}"
        return f"paired by seed ({found['n'][0]} pairs, correlation r = {r})"
    return f"independent seeds ({found['n'][0]} and {found['n'][1]}): equal seed lists would be paired"


def _verdict(found: dict) -> str:
    if found["verdict"] == superiority.UNDECIDED:
        return superiority.UNDECIDED
    better = found["a"] if found["probability"] > 0.5 else found["b"]
    return f"{better} is better: {found['verdict']}"


def _looks(looks: list[dict], found: dict) -> str:
    told = ", ".join(f"{row['seeds']}: {row['level']:.2g}" for row in looks)
    later = [row["seeds"] for row in looks if row["seeds"] > found["look"]]
    if found["verdict"] != superiority.UNDECIDED:
        after = "; decided here, later seeds are not used"
    else:
        after = f"; the next look is at {later[0]} seeds" if later else "; this was the last"
    return f"level by alpha spending {told}{after}"


def _short(row: list) -> list:
    return [value[:12] if isinstance(value, str) and len(value) == 64 else value for value in row]


def _line(name: str, value: str, remark: str = "") -> str:
    return f"  {name:14}  {value}" + (f"   ({remark})" if remark else "")


def _range(pair: list[float]) -> str:
    return f"{pair[0]:.4g} to {pair[1]:.4g}"
