"""The kinds of study that there are, and which one a study or a table of results is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from surrobench.errors import UserError, did_you_mean
from surrobench.studies.kind import Kind
from surrobench.studies.pipeline.config import PipelineStudy
from surrobench.studies.pipeline.kind import PIPELINE
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.kind import PREDICTION
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.kind import SEARCH

AnyStudy = Study | SearchStudy | PipelineStudy
KINDS: dict[str, Kind] = {kind.name: kind for kind in (PREDICTION, SEARCH, PIPELINE)}
# The former two have predictors too.
KINDS_BY_SIGN: tuple[Kind, ...] = (PIPELINE, SEARCH, PREDICTION)


def kind_of(content: Mapping[str, Any] | AnyStudy, source: str = "study") -> Kind:
    """The kind of a study, or of the content of a study file.

    Raises:
        UserError: for an unknown kind.
    """
    name = content.get("kind") if isinstance(content, Mapping) else content.kind
    if name is None:
        return PREDICTION  # whose check says that the key is missing
    if not isinstance(name, str) or name not in KINDS:
        raise UserError(
            f"{source}: unknown kind of study {name!r}. " + did_you_mean(str(name), KINDS)
        )
    return KINDS[name]


def kind_of_columns(columns: Iterable[str]) -> Kind | None:
    """The kind of study that a results table (or the payload of a record) comes from."""
    present = set(columns)
    return next((kind for kind in KINDS_BY_SIGN if kind.sign in present), None)
