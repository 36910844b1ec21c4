"""What a child process said last, where the subject's own lines stand among ours."""

import re


def last_words(lines: list[str]) -> str:
    """Return the last line that is the subject's, not our account of it; the first one of an error in many lines."""
    own = [line for line in lines if not line.startswith("bitforbit run: ")] or lines or ["no message"]
    begins = [n for n, line in enumerate(own) if re.match(r"[\w.]+(Error|Exception): |bitforbit ", line)]
    first = begins[-1] if begins else len(own) - 1
    return " ".join(own[first : first + 2]) if own[first].endswith(":") else own[first]
