"""Other gateways' settings become a network file: what fits is carried, what does not is told.

Pure: octets in, values out. Nothing is guessed: an option without an equivalent becomes a note
with its file and line, and a route whose condition has none is left out whole, since without its
condition it would take messages that are not its own.

=========  =========================================================================================
`draft`    what was read, and what could not be carried
`kannel`   the groups of kannel.conf (`kannel_groups`), with its includes; `kannel_providers`
           (`kannel_joining`: several groups of one), `kannel_accounts` and `kannel_routes` are
           what becomes of them
`jasmin`   what is typed into Jasmin's console, and what it shows (`jasmin_listings`);
           `jasmin_routes` are its routers
`writing`  the network file
=========  =========================================================================================
"""

from smppproxy.config.importers.draft import Draft, Note
from smppproxy.config.importers.jasmin import import_jasmin
from smppproxy.config.importers.kannel import import_kannel
from smppproxy.config.importers.writing import Secrets, write

__all__ = ["Draft", "Note", "Secrets", "import_jasmin", "import_kannel", "write"]
