#!/bin/sh
# The command smppproxy. It asks the node of this machine unless told otherwise.
: "${SMPPPROXY_CONFIG=/etc/smppproxy/smppproxy.toml}"
export SMPPPROXY_CONFIG
exec /opt/smppproxy/bin/smppproxy "$@"
