"""What every encoding promises, on every registered space."""

from __future__ import annotations

import numpy as np
import pytest

from surrobench.arrays import FloatArray
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Arch, SearchSpace

SPACES_BY_NAME: dict[str, SearchSpace] = {name: SPACES.create(name) for name in SPACES.names()}
CURVES = [name for name in ENCODINGS.names() if name.startswith("curve")]
RANK_SUMS = ("az-nas", "vkdnw-agg")  # of columns that these pools lack
NAMES = [name for name in ENCODINGS.names() if name not in RANK_SUMS]
NAMES += ["path:40", "measured:params", "one-hot+measured", "path+ordinal"]
PATHS = {name for name in NAMES if name.startswith("path")}
HAVE_NO = {(path, space) for path in PATHS for space in ("chain", "tnb101-macro", "transformer")}
# Layers that are all alike make no graph.
HAVE_NO |= {(name, "transformer") for name in ("adjacency", "graph", "wl")}
# What is known of other spaces is of cells with convolutions.
HAVE_NO |= {("other-spaces", space) for space in ("chain", "transformer", "tnb101-macro")}
HAVE_NO |= {("wl", "chain")}  # whose labels would be those of a space that is too large to list
HAVE_NO |= {(name, space) for name in CURVES for space in SPACES_BY_NAME}  # those of tasks do
HAVE_NO |= {("similarity", space) for space in SPACES_BY_NAME}  # those of pools that are given one
HAVE_NO_KIND = {("numeric", s) for s in ("nb201", "tnb101-micro", "tnb101-macro")}
HAVE_NO_KIND |= {("categorical", space) for space in ("chain", "transformer")}
HAVE_NO |= HAVE_NO_KIND
SUPPORTED = [(e, s) for e in NAMES for s in SPACES_BY_NAME if (e, s) not in HAVE_NO]


def pool(name: str, n: int = 400) -> tuple[list[Arch], dict[str, FloatArray]]:
    """``n`` architectures with some that are equal networks, and measured columns with gaps."""
    space = SPACES_BY_NAME[name]
    rng = np.random.default_rng(11)
    drawn = space.sample(n, rng)
    archs = list(dict.fromkeys(drawn + [space.canonical(arch) for arch in drawn]))
    proxy = 10.0 ** rng.uniform(-20, 40, len(archs))
    proxy[::7] = np.nan
    return archs, {"params": rng.integers(1, 50, len(archs)).astype(float), "synflow": proxy}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "space_name"), SUPPORTED)
def test_rows_are_finite_named_and_reproducible(name: str, space_name: str) -> None:
    space = SPACES_BY_NAME[space_name]
    archs, measured = pool(space_name)
    encoding = make_encoding(name)
    X = encoding(archs, space, measured)
    columns = encoding.columns(space, measured)
    assert X.dtype == np.float64
    assert X.shape == (len(archs), len(columns))
    assert len(set(columns)) == len(columns)
    assert np.isfinite(X).all()
    assert X.min() >= 0
    assert X.max() <= 1
    np.testing.assert_array_equal(X, make_encoding(name)(archs, space, measured))
    np.testing.assert_array_equal(X, encoding(np.array(archs), space, measured))


@pytest.mark.parametrize(("name", "space_name"), SUPPORTED)
def test_rows_follow_their_architectures(name: str, space_name: str) -> None:
    space = SPACES_BY_NAME[space_name]
    archs, measured = pool(space_name)
    order = np.random.default_rng(2).permutation(len(archs))
    shuffled = make_encoding(name)(
        [archs[i] for i in order], space, {key: column[order] for key, column in measured.items()}
    )
    np.testing.assert_array_equal(shuffled, make_encoding(name)(archs, space, measured)[order])


@pytest.mark.slow
@pytest.mark.parametrize("space_name", ["nb201", "tnb101-micro"])
@pytest.mark.parametrize(
    "name",
    [
        n
        for n in NAMES
        if n not in ("numeric", "similarity", "rank-sum", *CURVES) and "measured" not in n
    ],
)
def test_isomorphic_cells_get_equal_rows_exactly_where_claimed(name: str, space_name: str) -> None:
    space = SPACES_BY_NAME[space_name]
    archs = list(space)
    encoding = make_encoding(name)
    X = encoding(archs, space, {})
    groups = space.groups(archs)
    _, first = np.unique(groups, return_index=True)
    assert np.array_equal(X, X[first[groups]]) is encoding.isomorphism_invariant


@pytest.mark.parametrize(("name", "space_name"), sorted(HAVE_NO))
def test_encodings_are_refused_where_architectures_have_none(name: str, space_name: str) -> None:
    space = SPACES_BY_NAME[space_name]
    archs, measured = pool(space_name)
    with pytest.raises(UserError, match=f"{space_name}.*'one-hot'"):
        make_encoding(name)(archs, space, measured)
    with pytest.raises(UserError, match=space_name):
        make_encoding(name).columns(space, measured)


@pytest.mark.parametrize(
    ("name", "space_name"),
    [case for case in SUPPORTED if case[0] in ("one-hot", "ordinal", "adjacency")],
)
def test_lossless_encodings_tell_every_architecture_apart(name: str, space_name: str) -> None:
    archs, _ = pool(space_name)
    X = make_encoding(name)(archs, SPACES_BY_NAME[space_name], {})
    assert len(np.unique(X, axis=0)) == len(archs)


@pytest.mark.parametrize("name", ["one-hot", "ordinal", "adjacency", "path"])
def test_an_empty_pool_has_the_usual_columns(name: str) -> None:
    space = SPACES_BY_NAME["nb201"]
    encoding = make_encoding(name)
    assert encoding([], space, {}).shape == (0, len(encoding.columns(space, {})))


@pytest.mark.parametrize(
    ("archs", "complaint"),
    [
        ([(0, 0, 0)], r"have 6 variables, but an array of shape \(1, 3\)"),
        ([(0, 0, 0, 0, 0, 5)], "choice 5 of variable '2>3' is not between 0 and 4"),
        ([(0,) * 6, (0,) * 5], "must all be tuples of 6 integers"),
    ],
)
def test_wrong_architectures_are_named(archs: list[tuple[int, ...]], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        make_encoding("one-hot")(archs, SPACES_BY_NAME["nb201"], {})


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("onehot", "unknown encoding 'onehot'. Did you mean 'one-hot'"),
        ("one-hot+mesured", "Did you mean 'measured'"),
        ("pth:40", "Did you mean 'path'"),
        ("one-hot:3", "'one-hot' takes nothing after a colon"),
        ("path:few", "write the number of columns to keep"),
        ("path:0", "at least 1"),
        ("measured:", "as in 'measured:params,flops'"),
        ("measured:a,a", "different column names"),
        ("one-hot+", "nothing stands beside"),
        ("builtins:object", "'builtins:object' makes no encoding: object has no columns(space, "),
    ],
)
def test_wrong_names_get_a_hint(name: str, complaint: str) -> None:
    with pytest.raises(UserError) as error:
        make_encoding(name)
    assert complaint in str(error.value)


def test_a_dotted_path_is_an_encoding_too() -> None:
    encoding = make_encoding("surrobench.encodings.ordinal:Ordinal+one-hot")
    assert len(encoding.columns(SPACES_BY_NAME["nb201"], {})) == 6 + 30


def test_columns_that_do_not_fit_into_memory_are_counted_and_others_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Choices(np.ndarray):
        def __getitem__(self, wanted):
            raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(
        "surrobench.encodings.one_hot.choice_matrix",
        lambda archs, space: np.asarray(archs).view(Choices),
    )
    space = SPACES_BY_NAME["nb201"]
    with pytest.raises(MemoryError, match=r"30 for 5 architectures.*'numeric'.*allocate 9 GiB"):
        make_encoding("one-hot")(space.sample(5, np.random.default_rng(0)), space, {})


def test_a_misspelt_class_of_a_module_is_looked_for_there_alone() -> None:
    with pytest.raises(UserError) as error:
        make_encoding("fractions:Fractio")
    assert "Did you mean 'Fraction'" in str(error.value)
    assert "path" not in str(error.value)
    assert str(error.value).count("Did you mean") == 1
