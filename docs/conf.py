"""How the site is built, without any network: ``sphinx-build -j auto -W docs site``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "making"))

from building import belong, lighten_menu, spread  # noqa: E402
from code_names import keep_colons, settle, skip_foreign  # noqa: E402
from made_pages import write_pages  # noqa: E402
from repository_links import MADE, moved  # noqa: E402

from surrobench import __version__  # noqa: E402

project = "surrobench"
author = copyright = "The surrobench developers"
version = release = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.bibtex",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["making", "conf.py"]
nitpicky = True
suppress_warnings = ["config.cache", "ref.python"]  # two classes of one name are told apart by hand

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_show_tb = True  # a cell that fails is a warning, and warnings end the build
nb_execution_timeout = 300
nb_merge_streams = True
nb_render_markdown_format = "myst"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings say what is meant, with shapes and units
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False

bibtex_bibfiles = ["../surrobench/report/bibliography/references.bib"]
bibtex_reference_style = "author_year"

html_theme = "furo"
html_title = f"surrobench {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"


def lead_into_the_site(app, name, source):
    """Turn links of written pages to files of the repository into links to pages."""
    page = Path("docs") / f"{name}.md"
    if not page.is_relative_to(MADE) and (HERE.parent / page).is_file():
        source[0] = moved(source[0], page, page)


def setup(app):
    """Make the pages that come from the code and the results before the sources are read."""
    app.connect("config-inited", lambda *_: write_pages(HERE))
    app.connect("source-read", lead_into_the_site)
    app.connect("env-before-read-docs", spread)
    app.connect("doctree-read", belong, priority=900)
    app.connect("html-page-context", lighten_menu, priority=100)
    app.connect("missing-reference", settle)
    app.connect("autodoc-process-docstring", keep_colons, priority=600)
    app.connect("autodoc-skip-member", skip_foreign)
