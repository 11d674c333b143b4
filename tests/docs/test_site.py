"""The pages that are made from the code and the results, without building the site."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pandas as pd
import pytest

from surrobench.base.registry import Registry
from surrobench.tasks import task_names
from surrobench.tasks.live.live import LIVE_TASKS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)\s#:]+\.md)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def making() -> Iterator[None]:
    """The modules that make the pages, which are no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "docs" / "making"))
    yield
    sys.path[:] = before


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def pages(making: None) -> dict[str, str]:
    made: dict[str, str] = module("made_pages").made_texts(ROOT)
    return made


def test_every_registered_part_has_its_page(pages: dict[str, str]) -> None:
    kinds = module("part_pages").KINDS
    assert {kind.folder for kind in kinds} >= {
        *("predictors", "encodings", "acquisitions", "strategies", "spaces"),
    }
    for kind in kinds:
        registry: Registry = kind.registry
        listed = pages[f"{kind.folder}/index.md"]
        for name in registry.names():
            page = pages[f"{kind.folder}/{name}.md"]
            assert f"\n# {name}\n" in page
            assert f"({name}.md)" in listed


def test_every_task_has_its_page(pages: dict[str, str]) -> None:
    slug = module("made_pages").slug
    for name in [*task_names(), *LIVE_TASKS]:
        assert f"\n# {name}\n" in pages[f"tasks/{slug(name)}.md"]
        assert f"({slug(name)}.md)" in pages["tasks/index.md"]


def test_every_results_folder_has_its_page(pages: dict[str, str]) -> None:
    for readme in (ROOT / "results").glob("*/README.md"):
        assert f"results/{readme.parent.name}.md" in pages


def test_pages_link_to_pages_that_are_there(pages: dict[str, str]) -> None:
    made = ROOT / "docs" / "made"
    for name, text in pages.items():
        for target in _LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            place = ((made / name).parent / target).resolve()
            known = place.is_relative_to(made) and str(place.relative_to(made)) in pages
            assert known or place.is_file(), (name, target)


def test_pages_link_to_made_pages_that_are_there(pages: dict[str, str]) -> None:
    docs = ROOT / "docs"
    written = [page for page in docs.rglob("*.md") if not page.is_relative_to(docs / "made")]
    assert len(written) > 20
    figures = {f"gallery/{one.name}.png" for one in module("gallery").GALLERY}
    for page in written:
        for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            place = (page.parent / target).resolve()
            if place.is_relative_to(docs / "made"):
                assert str(place.relative_to(docs / "made")) in {*pages, *figures}, (page, target)


def test_a_predictors_page_says_what_is_computed(pages: dict[str, str]) -> None:
    page = pages["predictors/knn.md"]
    path = ROOT / "results" / "nb201-predictors" / "results.parquet"
    rows = pd.read_parquet(
        path, columns=["task", "predictor", "train_size", "kendall_tau", "status"]
    )
    rows = rows[(rows["status"] == "ok") & (rows["train_size"] == 800)]
    means = rows.groupby(["task", "predictor"])["kendall_tau"].mean().unstack()
    ranks = means.rank(axis=1, ascending=False, method="min")["knn"]
    row = next(line for line in page.splitlines() if "| 800 | `knn` |" in line)
    assert f"| {means['knn'].mean():.2f} | {ranks.mean():.1f} of {means.shape[1]} |" in row
    assert "surrobench run nb201-predictors --out results/nb201-predictors" in page
    assert "`neighbours` | `20`" in page
    assert "{cite:t}`cover1967nearest`" in page


def test_families_share_their_settings(making: None) -> None:
    family_of = module("part_pages").family_of
    assert family_of("gp-rbf") == "gp-matern52"
    assert family_of("gp-matern12-ard") == family_of("gp-mixed") == "gp-matern52-ard"
    assert family_of("gp-blocks") == "gp-categorical"
    assert family_of("svr-tuned") == "svr"


def test_labels_of_searches_are_traced_to_their_parts(pages: dict[str, str]) -> None:
    assert "`gp-paths-ucb`" in pages["acquisitions/ucb.md"]
    assert "`gp-paths`" in pages["acquisitions/log-ei.md"]  # by default
    assert "`gp-paths`" in pages["encodings/path-contracted.md"]
    assert "`gp-paths`" in pages["strategies/bayesian.md"]
    assert "`gp-paths`" not in pages["strategies/random.md"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("surrobench.search", True),
        ("surrobench.strategies.strategy.Strategy.history", True),
        ("surrobench.tasks.evaluation.Evaluation.cost", True),
        ("float", True),
        ("surrobench.searching", False),
        ("surrobench.tasks.evaluation.Evaluation.price", False),
        ("nowhere.at_all", False),
        ("dict[str", False),
    ],
)
def test_names_that_do_not_exist_are_noticed(making: None, name: str, known: bool) -> None:
    assert module("code_names").exists(name) is known


def test_names_are_found_from_where_they_stand(making: None) -> None:
    names = module("code_names")
    node = {"reftarget": "gp_fit.Priors", "py:module": "surrobench.predictors.gp.gp"}
    assert "surrobench.predictors.gp.gp_fit.Priors" in list(names.readings(node))
    assert "surrobench.errors.UserError" in list(names.readings({"reftarget": "UserError"}))
    assert not any(map(names.exists, names.readings({"reftarget": "gp_fit.Posterior"})))


def test_links_lead_to_pages_or_are_downloads(making: None) -> None:
    links = module("repository_links")
    source, page = Path("results/speed/README.md"), Path("docs/made/results/speed.md")
    text = "[t](../tuning/README.md#limits) ![p](scaling.png) [r](ratios.md) `[x](y.md)` <a>"
    moved = links.moved(text.replace("`[x](y.md)`", ""), source, page)
    assert "[t](tuning.md#limits)" in moved
    assert "![p](../../../results/speed/scaling.png)" in moved
    assert "{download}`r <../../../results/speed/ratios.md>`" in moved
    own = Path("docs/how-to/search.md")
    assert links.moved("[all](../made/strategies/index.md)", own, own) == (
        "[all](../made/strategies/index.md)"
    )
    assert links.moved("[r](../../results/tuning/README.md)", own, own) == (
        "[r](../made/results/tuning.md)"
    )
    with pytest.raises(ValueError, match="examples/cards"):
        links.moved("[c](examples/cards)", Path("README.md"), Path("docs/x.md"))


def building() -> ModuleType:
    pytest.importorskip("sphinx", reason="the site is built with the extra 'docs'")
    return module("building")


def test_notebooks_are_not_left_to_the_end(making: None) -> None:
    class Environment:
        def doc2path(self, name: str) -> Path:
            return Path(f"{name}.py" if name.startswith("notebooks/") else f"{name}.md")

    names = [f"made/{i:02}" for i in range(30)] + [f"notebooks/{i}" for i in range(3)]
    read = list(names)
    building().spread(None, Environment(), read)
    assert sorted(read) == sorted(names)
    assert [read.index(f"notebooks/{i}") for i in range(3)] == [0, 5, 10]
    pages = [name for name in read if not name.startswith("notebooks/")]
    assert pages == names[:30]
    building().spread(None, Environment(), again := names[:4])
    assert again == names[:4]


def test_menus_are_made_of_titles_and_lists_of_pages(making: None) -> None:
    own = building()
    from docutils import nodes
    from sphinx import addnodes

    def entry(text: str, *below: nodes.Node) -> nodes.list_item:
        title = addnodes.compact_paragraph("", "", nodes.reference("", text, refuri=text))
        return nodes.list_item("", title, *below)

    pages = addnodes.toctree(entries=[(None, "predictors")])
    heading = entry("a heading", nodes.bullet_list("", entry("one below")))
    whole = nodes.bullet_list("", entry("page", nodes.bullet_list("", heading, pages)))
    alone = nodes.bullet_list("", entry("plain", nodes.bullet_list("", entry("a heading"))))
    before = whole.pformat()

    class Environment:
        tocs: ClassVar = {"page": whole, "plain": alone}

    short = own.titles(Environment())
    assert short["page"].astext().split() == ["page"]
    assert [one["entries"] for one in short["page"].findall(addnodes.toctree)] == [
        [(None, "predictors")]
    ]
    assert short["plain"].astext().split() == ["plain"]
    assert whole.pformat() == before


def test_stored_pages_do_not_bring_the_environment(making: None) -> None:
    own = building()
    from docutils import nodes
    from docutils.utils import new_document

    page, other = new_document("page.md"), new_document("block")
    part = nodes.paragraph("", "text")
    part.document = other
    page += nodes.section("", part)
    own.belong(None, page)
    assert all(node.document is page for node in page.findall())


def test_files_of_before_are_removed(making: None, tmp_path: Path) -> None:
    write = module("made_pages").write_texts
    write(tmp_path, {"a/x.md": "1", "b.md": "2"}, keep=set())
    before = (tmp_path / "b.md").stat().st_mtime_ns
    (tmp_path / "figure.png").touch()
    write(tmp_path, {"b.md": "2"}, keep={tmp_path / "figure.png"})
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"b.md", "figure.png"}
    assert (tmp_path / "b.md").stat().st_mtime_ns == before


def test_every_figure_of_the_gallery_is_a_command(making: None) -> None:
    from typer.main import get_command

    from surrobench.cli.app import app

    gallery = module("gallery")
    plot = get_command(app).commands["plot"]  # type: ignore[attr-defined]
    for one in gallery.GALLERY:
        with plot.make_context("plot", one.words[1:]) as context:
            assert context.params["kind"]
        source = one.words[1]
        assert source in task_names() or (ROOT / source / "results.parquet").is_file()
        assert one.command in gallery.gallery_page()
