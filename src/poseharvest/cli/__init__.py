"""The command line."""

import os

# Decoding, networks and inference run beside one another. Threads that spin while they wait for others of their
# own kind take the processor from them: on two cores a harvest took a fifth longer. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
