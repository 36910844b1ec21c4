"""What a watched run does at each site: write down orders, or bring back those of another run.

A log is a file of JSON lines. `{"site", "content", "count", "places"}`: from its `count`-th time on, a set of that
content has this order there. `{"site", "count", "popped"}` and `{"site", "name", "value"}`: what `pop()` and `hash()`
gave. A run that brings orders back writes `{"moved": site, "stack"}` once for each site that had another order of its
own; the stack is file, line and function of each frame, the innermost first.
"""

import ast
import builtins
import json
import os
import sys

from bitforbit.diagnosis.order import keys
from bitforbit.diagnosis.order.callees import ignores_order
from bitforbit.diagnosis.order.ordered import SETS, ordered, unordered
from bitforbit.diagnosis.order.rewrite import ARGUMENT, HASHED, ITERATED, POPPED, Site

# Elements that are looked at in one run: a few seconds. What comes after is not watched.
MOST = 4_000_000
_FRAMES = 60
_OWN = os.path.dirname(__file__) + os.sep


class Watch:
    """Stands behind the builtins that the rewritten code calls.

    Args:
        log: takes one line of text.
        known: lines of another run's log; `None` writes down, else orders are brought back.
        chosen: texts of the sites at which they are; `None` stands for all.
    """

    def __init__(self, log, known: list[dict] | None = None, chosen: set[str] | None = None):
        self.sites: list[Site] = []
        self.log, self.left = log, MOST
        self.known, self.chosen = _indexed(known or []), chosen
        self.replays = known is not None
        self._seen: dict = {}
        self._moved: set[str] = set()

    def functions(self) -> dict:
        """Return the watchers by kind."""
        return {ITERATED: self.iterated, ARGUMENT: self.argument, POPPED: self.popped, HASHED: self.hashed}

    def iterated(self, number: int, value):
        """Return what is iterated in place of `value`."""
        if type(value) not in SETS:
            return value
        value = unordered(value)
        elements = self._order(number, value)
        return value if elements is None else elements

    def argument(self, number: int, value):
        """Return what a callee gets in place of `value`."""
        if type(value) not in SETS:
            return value
        value = unordered(value)
        if ignores_order(self.sites[number].callee, sys._getframe(1)):
            return value
        elements = self._order(number, value)
        return value if elements is None else ordered(value, elements)

    def popped(self, number: int, value):
        """Return that whose `pop` is called."""
        return _Popping(self, number, unordered(value)) if type(value) in SETS and value else value

    def hashed(self, number: int, function):
        """Return what is called in place of `hash`."""
        if function is not builtins.hash:
            return function
        return lambda value: self._hash(number, value)

    def _order(self, number: int, value) -> list | None:
        """Return the elements in the order to take, `None` for that of the set itself."""
        if len(value) < 2 or not self._may(number, len(value)):
            return None
        found = keys.order(value)
        if found is None:
            return None
        site = self.sites[number].text
        count = self._count(site, found.content)
        if not self.replays:
            if self._seen.get((site, found.content, "last")) != found.places:
                self._seen[site, found.content, "last"] = found.places
                self._write(site, content=found.content, count=count, places=found.places)
            return None
        places = self._recorded(site, found.content, count)
        if places is None or places == found.places:
            return None
        self._tell(site)
        return [found.ranked[place] for place in places]

    def pop(self, number: int, value):
        """Take an element out of a set."""
        element = value.pop()
        if not value or not self._may(number, 1):
            return element
        site = self.sites[number].text
        count = self._count(site, "")
        try:
            own = keys.name(element)
        except Exception:
            return element
        if not self.replays:
            self._write(site, count=count, popped=own)
            return element
        name = self.known.get((site, count, "popped"))
        wanted = element if name in (None, own) else _named(name, value)
        if wanted is element:
            return element
        self._tell(site)
        value.add(element)
        value.remove(wanted)
        return wanted

    def _hash(self, number: int, value):
        own = hash(value)
        if not self._may(number, 1):
            return own
        try:
            name = keys.name(value)
        except Exception:
            return own
        site = self.sites[number].text
        if not self.replays:
            if not self._count(site, name):
                self._write(site, name=name, value=own)
            return own
        recorded = self.known.get((site, name, "value"), own)
        if recorded != own:
            self._tell(site)
        return recorded

    def _may(self, number: int, elements: int) -> bool:
        if self.replays and self.chosen is not None and self.sites[number].text not in self.chosen:
            return False
        self.left -= elements
        return self.left > 0

    def _count(self, *of) -> int:
        count = self._seen.get(of, 0)
        self._seen[of] = count + 1
        return count

    def _recorded(self, site: str, content: str, count: int) -> list[int] | None:
        places = None
        for since, order in self.known.get((site, content), ()):
            if since <= count:
                places = order
        return places

    def _tell(self, site: str) -> None:
        if site not in self._moved:
            self._moved.add(site)
            self.log(json.dumps({"moved": site, "stack": _stack(site)}))

    def _write(self, site: str, **what) -> None:
        self.log(json.dumps({"site": site, **what}))


class _Popping:
    """Stands for a set while its `pop` is called."""

    def __init__(self, watch: Watch, number: int, value):
        self._watch, self._number, self._value = watch, number, value

    def pop(self):
        return self._watch.pop(self._number, self._value)


def _stack(site: str) -> list[tuple[str, int, str]]:
    frame, found = sys._getframe(1), []
    while frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    # In a call that is written over several lines, the frame's line is another one than the operand's.
    line = int(site.split(":", 2)[1])
    while frame and len(found) < _FRAMES:
        found.append((frame.f_code.co_filename, line if not found else frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return found


def _named(name: str, value):
    """The element of that name; where there is none, one that is not asked for by another name."""
    try:
        element = ast.literal_eval(name)
        if element in value:
            return element
    except (ValueError, SyntaxError):
        pass
    return next((element for element in value if keys.name(element) == name), None)


def _indexed(lines: list[dict]) -> dict:
    known: dict = {}
    for line in lines:
        if "places" in line:
            known.setdefault((line["site"], line["content"]), []).append((line["count"], line["places"]))
        elif "popped" in line:
            known[line["site"], line["count"], "popped"] = line["popped"]
        elif "value" in line:
            known[line["site"], line["name"], "value"] = line["value"]
    return known
