"""The operator's doors: HTTP for people and programs, metrics, logs, and who answers on this node.

Commands and pages use HTTP only. A request goes through `door`, which checks it against `api`, to
a method of `operator`, which answers for this node and asks the others through `cluster`.

Which file to open:

==============  ====================================================================================
`office`        puts together what a node has of all this; `rooms` is what it is given
`rooms`         the node's rooms by name
`opening`       where the door is: a Unix socket, a TCP port, TLS
`http`          the site behind the door
`pages`         the web page's files, which are in `web/`
`door`          a request and its answer
`access`        who may do what, and what is written down about it
`parameters`    what a request gives, checked against what its operation takes
`errors`        what the door says when it does not do what it was asked

`api`           everything that can be asked: one table of operations
`catalogue`     the views of `show`, column by column
`vocabulary`    the verbs, and how much an answer holds
`network_api`   the operations on versions of the network
`history_api`   the operations that the charts need
`operation`     one path and method
`schemas`       parameters and columns as JSON schema
`openapi`       the OpenAPI document of it all

`operator`      answers every operation
`cluster`       questions to every node of the store
`views`         `show`: what one node knows
`shared`        `show`: what the store or the network answers alone
`outages`       since when binds are down
`loads`         submit_sm a second: means of one, five and fifteen minutes
`ledgers`       the ledgers of several nodes as one
`looking`       looks that come one at a time
`settling`      the books of all nodes, set right when one has come or gone
`sums`          the rows of several nodes as one

`verbs`         drain, isolate, resume, kick, reconnect, and on what
`targets`       what a verb is done to, as operators spell it
`hands`         what the verbs move in the rooms

`explaining`    `explain`: where a message would go
`tracing`       `trace`: every hop of a message
`tapping`       `tap`: PDUs while they pass
`pdus`          PDUs as people read them; `masking` puts stars where nobody may read
`masking`       PDUs with stars, of the same length
`reporting`     `report`: the traffic of past hours
`history`       the last hour in steps of two seconds, for charts
`charting`      `history` and `whoami`, as the page asks for them

`following`     which version of the network a node runs, and how it comes by it
`own_network`   one node's network: its file, and the versions it follows
`network`       history, plan, apply and rollback

`metric_table`  every metric: its kind, its labels and what it says
`metrics`       the node's integers, read at each scrape
`scrape`        the page that Prometheus scrapes, written a piece at a time
`families`      its lines
`node_metrics`  the node itself and the limits it works in
`traffic`       accounts and hosts
`conditions`    how providers and hosts are doing
`backlogs`      what waits in the store
`stalls`        who made the reactor stand still, and for how long

`event_table`   every event of the log, and what it means
`log_json`      the node's log as JSON
`log_levels`    how much of it there is, room by room
`program`       which release and commit this is, and whether C is in it
`systemd`       what systemd is told of this node
`message_log`   what became of each message, as JSON lines in files
==============  ====================================================================================
"""
