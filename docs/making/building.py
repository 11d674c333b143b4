"""What keeps the build of some six hundred pages short; no page is different for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.environment.adapters.toctree import global_toctree_for_doc


def spread(app: Any, env: Any, names: list[str]) -> None:
    """Reorder what is read: notebooks, which take longest, are not left to one process at the end.

    Processes read pieces of the list, in its order.
    """
    notebooks = [n for n in names if env.doc2path(n).suffix == ".py"]
    others = [n for n in names if n not in notebooks]
    step = len(names) // (2 * len(notebooks)) if notebooks else 0
    for place, notebook in enumerate(notebooks):
        others.insert(place * step, notebook)
    names[:] = others


def belong(app: Any, document: nodes.document) -> None:
    """Make a page's nodes belong to its document alone, before Sphinx stores it.

    What MyST reads as reStructuredText remembers a document of its own, and with it the whole
    environment: a megabyte with every page, written and read again.
    """
    for node in document.findall():
        node.document = document


def lighten_menu(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Let the theme make the menu, which has titles of pages alone, out of titles alone.

    Sphinx copies the contents of all pages, with every documented name, for each page's menu.
    """

    def menu(**options: Any) -> str:
        env, builder = app.env, app.builder
        whole = env.tocs
        env.tocs = titles(env) if options.get("titles_only") else whole
        try:
            found = global_toctree_for_doc(env, page, builder, tags=builder.tags, **options)
        finally:
            env.tocs = whole
        return str(builder.render_partial(found)["fragment"])

    if "toctree" in context:
        context["toctree"] = menu


@cache
def titles(env: Any) -> Mapping[str, nodes.Element]:
    """The contents of every page without its headings below the title; lists of pages stay."""
    return {name: _titles(toc) for name, toc in env.tocs.items()}


def _titles(toc: nodes.Element) -> nodes.Element:
    short = toc.copy()
    for entry in toc.children:
        kept = entry.deepcopy() if isinstance(entry, addnodes.toctree) else _title(entry)
        short += kept
    return short


def _title(entry: Any) -> Any:
    short = entry.copy()
    for child in entry.children:
        if not isinstance(child, nodes.bullet_list):
            short += child.deepcopy()
        elif lists := list(child.findall(addnodes.toctree)):
            below = child.copy()
            below += [one.deepcopy() for one in lists]
            short += below
    return short
