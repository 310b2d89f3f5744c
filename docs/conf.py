"""The site: Sphinx reads the pages of this folder, and those that `generate` makes of the code."""

from __future__ import annotations

import sys
from pathlib import Path

from pygments.lexers.data import YamlLexer
from sphinx.highlighting import lexers

sys.path.insert(0, str(Path(__file__).parent))

import cnnkit

project = "cnnkit"
author = "the authors of cnnkit"
version = release = cnnkit.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generate"]
exclude_patterns = ["_site"]
# Specs are `yaml`, and are run; other YAML is `yml`.
lexers["yml"] = YamlLexer()

myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_use_ivar = True

html_theme = "furo"
html_title = "cnnkit"
html_static_path = ["static"]
html_favicon = "../cnnkit/playground/web/site/icon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
