"""How Sphinx makes the manual: `make docs`."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

_metadata = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]

project = "smppproxy"
author = "the smppproxy authors"
project_copyright = author
version = release = _metadata["version"]

extensions = ["manual"]
exclude_patterns = ["_ext"]
nitpicky = True
highlight_language = "text"
smartquotes = False

html_theme = "furo"
html_title = f"smppproxy {release}"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
