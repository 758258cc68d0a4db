#!/bin/sh
# The command smppproxy. It asks the node of this machine unless told otherwise.
: "${SMPPPROXY_CONFIG=/etc/smppproxy/smppproxy.toml}"
export SMPPPROXY_CONFIG
# It has an environment of its own: modules of others have no place in it.
unset PYTHONHOME PYTHONPATH
exec /opt/smppproxy/bin/smppproxy "$@"
