"""Molecules out of SDF files (MDL molfile, version V2000), and counts over their graphs, all in integers.

No count depends on the order in which a file lists atoms or bonds.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from functools import cached_property
from typing import NamedTuple

ELEMENTS = ("C", "N", "O", "F", "P", "S", "Cl", "Br", "I")

# Bonds that a neutral atom makes: what the drawing lacks of them is hydrogen. Other elements get none.
VALENCE = {"C": 4, "N": 3, "O": 2, "S": 2, "P": 3}

# MDL's code for an aromatic bond. The files draw such rings as single and double bonds in turn, starting at either.
AROMATIC = 4


class Molecule(NamedTuple):
    """One record of an SDF file.

    Attributes:
        elements: symbol of each atom, hydrogen left out.
        charges: formal charge of each atom.
        bonds: `(first, second, order)`, atoms counted from 0.
        fields: the data fields, names in lower case.
    """

    elements: list[str]
    charges: list[int]
    bonds: list[tuple[int, int, int]]
    fields: dict[str, str]


def parse_sdf(text: str) -> list[Molecule]:
    """Return the molecules in the order of the file.

    Columns after "CTfile Formats" (BIOVIA): counts line `aaabbb`, symbol in columns 32 to 34 of an atom line, bond line
    `111222ttt`, charge lines `M  CHGnn8 aaa vvv ...`.
    """
    molecules = []
    for record in text.replace("\r\n", "\n").split("$$$$\n")[:-1]:
        lines = record.split("\n")
        n_atoms, n_bonds = int(lines[3][0:3]), int(lines[3][3:6])
        elements = [line[31:34].strip() for line in lines[4 : 4 + n_atoms]]
        bond_lines = lines[4 + n_atoms : 4 + n_atoms + n_bonds]
        bonds = [(int(line[0:3]) - 1, int(line[3:6]) - 1, int(line[6:9])) for line in bond_lines]
        charges = [0] * n_atoms
        for line in lines:
            if line.startswith("M  CHG"):
                values = [int(value) for value in line[9:].split()]
                for atom, charge in zip(values[::2], values[1::2], strict=True):
                    charges[atom - 1] = charge
        fields = {name.lower(): value for name, value in re.findall(r"^> +<(\w+)>.*\n(.*)$", record, re.MULTILINE)}
        molecules.append(_redrawn(Molecule(elements, charges, bonds, fields)))
    return molecules


def _redrawn(molecule: Molecule) -> Molecule:
    """Return the molecule in the one drawing that the two files can share.

    One draws a nitro group as N(+)-O(-), the other as N=O: both get the second. A few hydrogens are atoms of their own:
    they go back to being what a valence lacks.
    """
    charges, bonds = list(molecule.charges), []
    kept = [atom for atom, element in enumerate(molecule.elements) if element != "H"]
    place = {atom: index for index, atom in enumerate(kept)}
    for first, second, order in molecule.bonds:
        if {charges[first], charges[second]} == {1, -1}:
            charges[first] = charges[second] = 0
            order += 1
        if first in place and second in place:
            bonds.append((place[first], place[second], order))
    return Molecule(
        [molecule.elements[atom] for atom in kept], [charges[atom] for atom in kept], bonds, molecule.fields
    )


class Graph:
    """A molecule's graph: neighbours, hydrogens, rings, aromatic bonds."""

    def __init__(self, molecule: Molecule) -> None:
        self.elements, self.charges = molecule.elements, molecule.charges
        self.atoms = range(len(molecule.elements))
        self.orders = {frozenset((first, second)): order for first, second, order in molecule.bonds}
        self.neighbours: list[list[int]] = [[] for _ in self.atoms]
        for first, second, _ in molecule.bonds:
            self.neighbours[first].append(second)
            self.neighbours[second].append(first)

    @cached_property
    def valences(self) -> list[int]:
        """Orders of each atom's drawn bonds, added up."""
        return [sum(self.orders[frozenset((atom, other))] for other in self.neighbours[atom]) for atom in self.atoms]

    @cached_property
    def hydrogens(self) -> list[int]:
        """Hydrogens on each atom."""
        parts = zip(self.elements, self.charges, self.valences, strict=True)
        return [max(0, VALENCE.get(element, 0) + charge - made) for element, charge, made in parts]

    @cached_property
    def ring_bonds(self) -> set[frozenset[int]]:
        """Bonds in a ring: those that are no bridge (R. E. Tarjan, "Finding the bridges of a graph", 1974)."""
        depth: dict[int, int] = {}
        low: dict[int, int] = {}
        rings = set()

        def visit(atom: int, parent: int) -> None:
            low[atom] = depth[atom]
            for other in self.neighbours[atom]:
                if other == parent:
                    continue
                if other not in depth:
                    depth[other] = depth[atom] + 1
                    visit(other, atom)
                if low[other] <= depth[atom]:
                    rings.add(frozenset((atom, other)))
                low[atom] = min(low[atom], low[other])

        for atom in self.atoms:
            if atom not in depth:
                depth[atom] = 0
                visit(atom, -1)
        return rings

    @cached_property
    def aromatic(self) -> set[int]:
        """Atoms on a double bond that stands in a ring; a ring bond between two of them counts as aromatic."""
        return {atom for bond in self.ring_bonds if self.orders[bond] == 2 for atom in bond}

    def order(self, bond: frozenset[int]) -> int:
        """Return 1, 2, 3 or `AROMATIC`."""
        return AROMATIC if bond in self.ring_bonds and bond <= self.aromatic else self.orders[bond]

    def key(self) -> str:
        """Return a digest that two drawings of one molecule share, whatever their order of atoms; stereo is left out.

        Colours of atoms are refined by their neighbours' until that splits no more of them (H. L. Morgan, 1965).
        """
        parts = zip(self.elements, self.charges, self.hydrogens, strict=True)
        colours = [f"{element} {charge} {hydrogens}" for element, charge, hydrogens in parts]
        kinds = 0
        while kinds < len(set(colours)):
            kinds = len(set(colours))
            colours = [
                _digest(colours[atom], *sorted(f"{self.order(frozenset((atom, o)))} {colours[o]}" for o in others))
                for atom, others in enumerate(self.neighbours)
            ]
        return _digest(*sorted(colours))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def describe(graph: Graph) -> dict[str, int]:
    """Return counts of atoms, bonds, rings, and of the groups that water takes up or avoids; always the same keys."""
    elements, hydrogens, neighbours, atoms = graph.elements, graph.hydrogens, graph.neighbours, graph.atoms
    ring_atoms = {atom for bond in graph.ring_bonds for atom in bond}
    orders = Counter(graph.order(bond) for bond in graph.orders)
    degrees = Counter(len(others) for others in neighbours)
    inner = {atom for atom in atoms if len(neighbours[atom]) > 1}
    carbons = [atom for atom in atoms if elements[atom] == "C"]
    return {
        "atoms": len(atoms),
        **{element: elements.count(element) for element in ELEMENTS},
        "hydrogens": sum(hydrogens),
        **{f"bonds of order {order}": orders[order] for order in (1, 2, 3, AROMATIC)},
        **{f"atoms with {degree} neighbours": degrees[degree] for degree in (1, 2, 3, 4)},
        "ring bonds": len(graph.ring_bonds),
        "ring atoms": len(ring_atoms),
        "fusions of rings": len(graph.ring_bonds) - len(ring_atoms),
        "aromatic atoms": len(graph.aromatic),
        "aromatic nitrogens": sum(elements[atom] == "N" for atom in graph.aromatic),
        "rotatable bonds": sum(
            order == 1 and bond <= inner and bond not in graph.ring_bonds for bond, order in graph.orders.items()
        ),
        "polar hydrogens": sum(hydrogens[atom] for atom in atoms if elements[atom] != "C"),
        "hydrogen donors": sum(hydrogens[atom] > 0 for atom in atoms if elements[atom] != "C"),
        "oxidised nitrogens": sum(elements[atom] == "N" and graph.valences[atom] > 3 for atom in atoms),
        "carbons among carbons": sum(all(elements[other] == "C" for other in neighbours[atom]) for atom in carbons),
        "carbonyls": sum(
            any(elements[other] == "O" and graph.order(frozenset((atom, other))) == 2 for other in neighbours[atom])
            for atom in carbons
        ),
    }
