"""CONFIG: the node file and the network file, read into checked values.

`load_node` and `load_network` give attrs objects or raise one `ConfigError` with every problem:
its file and line, the option, what is wrong and what to write instead. Rules of single values
stand with the classes they belong to; here stands what only a whole file can tell.
"""

from smppproxy.config.network import Network, load_network, no_network
from smppproxy.config.node import Admin, Listener, Node, load_node
from smppproxy.config.problems import ConfigError, Problem

__all__ = [
    "Admin",
    "ConfigError",
    "Listener",
    "Network",
    "Node",
    "Problem",
    "load_network",
    "load_node",
    "no_network",
]
