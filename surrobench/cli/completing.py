"""Names that the shell completes, from the registries and without anything heavy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def _beginning(incomplete: str, names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if name.startswith(incomplete))


def studies(incomplete: str) -> list[str]:
    """Bundled studies."""
    from surrobench.studies import study_names

    return list(_beginning(incomplete, study_names()))


def tasks(incomplete: str) -> list[str]:
    """Tables, and their tasks once a table is written out."""
    from surrobench.tasks.catalogue import table_lines

    lines = table_lines()
    if "/" not in incomplete:
        return list(_beginning(incomplete, (line.name for line in lines)))
    return list(_beginning(incomplete, (f"{one.name}/{t}" for one in lines for t in one.tasks)))


def predictors(incomplete: str) -> list[str]:
    """Registered predictors."""
    from surrobench.predictors import PREDICTORS

    return list(_beginning(incomplete, PREDICTORS.names()))


def strategies(incomplete: str) -> list[str]:
    """Registered strategies."""
    from surrobench.strategies import STRATEGIES

    return list(_beginning(incomplete, STRATEGIES.names()))


def figures(incomplete: str) -> list[str]:
    """Kinds of figures."""
    from surrobench.report.common.figure_names import figures as known

    return list(_beginning(incomplete, (name for name, _ in known())))


def lists(incomplete: str) -> list[str]:
    """What can be listed."""
    from surrobench.cli.listing import LISTED

    return list(_beginning(incomplete, ("all", *LISTED)))
