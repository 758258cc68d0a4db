"""The simulator: SMSC and ESME for demos, tests and load, built from ``smpp/`` so that they
cannot drift from the product's own reading of the protocol.

* :mod:`~smppproxy.simulator.smsc`: a provider with several hosts and every habit seen in the field;
* :mod:`~smppproxy.simulator.presets`: that provider with the habits of a shipped preset;
* :mod:`~smppproxy.simulator.esme`: a client that submits, takes receipts and remembers all of it;
* :mod:`~smppproxy.simulator.histories`: compares what both remember;
* :mod:`~smppproxy.simulator.demo`: both around one real node, for ``smppproxy demo``.
"""
