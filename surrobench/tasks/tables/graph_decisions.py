"""From decisions that describe a graph to a space of graphs."""

from __future__ import annotations

from collections.abc import Sequence

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.graph_choices import GraphChoices, links_of_matrix, links_of_sources
from surrobench.tasks.tables.card import GraphForm


def graph_space(
    name: str, variables: Sequence[Variable], archs: Sequence[Arch], form: GraphForm
) -> GraphChoices:
    """The space of the architectures of a card that says how its decisions are a graph.

    Raises:
        UserError: naming the column, if a column of the form is no list of decisions, or lists do
            not fit together.
    """
    operations = _elements(form.operations, variables)
    if form.sources is not None:
        sources = _elements(form.sources, variables)
        _check(form.sources, len(sources), len(operations), "one for each operation")
        links = links_of_sources(variables, sources)
        return GraphChoices(
            name, variables, archs, operations=operations, links=links, loose_ends=True
        )
    assert form.matrix is not None
    matrix, v = _elements(form.matrix, variables), len(operations)
    _check(form.matrix, len(matrix), v * v, "a row for each operation and a column for each")
    links = links_of_matrix(variables, matrix, v)
    return GraphChoices(name, variables, archs, operations=operations[1:-1], links=links)


def _elements(column: str, variables: Sequence[Variable]) -> list[int]:
    """Positions of the decisions that a column of lists has become, in its order."""
    places = {variable.name: place for place, variable in enumerate(variables)}
    found: list[int] = []
    while (name := f"{column}[{len(found)}]") in places:
        found.append(places[name])
    if not found:
        raise UserError(
            f"'graph' names the column {column!r}, which is no decision that holds lists."
        )
    return found


def _check(column: str, length: int, wanted: int, what: str) -> None:
    if length != wanted:
        raise UserError(
            f"'graph': lists in {column!r} have {length} elements, not {wanted}, {what}."
        )
