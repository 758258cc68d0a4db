"""CONFIG: the node file and the network file, read into checked values.

`load_node` and `load_network` give attrs objects or raise one `ConfigError` with every problem:
its file and line, the option, what is wrong and what to write instead. Rules of single values
stand with the classes they belong to; here stands what only a whole file can tell.

Which file to open:

=============  =====================================================================================
`node`         the node file: what belongs to one process on one machine
`message_log`  its table [message_log]
`tracing`      its table [tracing]

`network`      the network file, the same for all nodes
`accounts`     its tables [account.NAME]
`providers`    its tables [provider.NAME]
`hosts`        the hosts of a provider
`routes`       its tables [[route]]
`mo_routes`    its tables [[mo_route]]
`tables`       the CSV files of prefixes and prices that it names
`presets`      what accounts and providers of a kind have in common: data
`effective`    what holds for one provider or account, and who says so

`bundle`       a network file that can travel, with the files it names
`plan`         what one network makes different from another
`importers`    what the settings of other gateways become

`source`       one TOML file while it is read
`lines`        on which line an option stands
`options`      a table as the options of a class
`hop`          the door for other nodes
`workers`      a node as several processes
`beside`       options that say nothing unless another one is set
`references`   `env:NAME` and `file:PATH`
`passwords`    what may stand as a password
`problems`     what is wrong, and its mend
=============  =====================================================================================
"""

from smppproxy.config.hop import Hop
from smppproxy.config.message_log import MessageLog
from smppproxy.config.network import Network, load_network, no_network
from smppproxy.config.node import Admin, Listener, Node, load_node
from smppproxy.config.problems import ConfigError, Problem

__all__ = [
    "Admin",
    "ConfigError",
    "Hop",
    "Listener",
    "MessageLog",
    "Network",
    "Node",
    "Problem",
    "load_network",
    "load_node",
    "no_network",
]
