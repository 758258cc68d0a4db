"""`python -m smppproxy.simulator.load`: one process of a load test; see `worker`."""

from smppproxy.simulator.load.worker import main

if __name__ == "__main__":
    main()
