"""The command line: options in, calls of the library, findings and results in the terminal.

No numbers are made here, and no other package imports it. Start with `app`; each command is a module of its name.
"""

import os

# Decoding, networks and inference run beside one another. Threads that spin while they wait for others of their
# own kind take the processor from them: on two cores a harvest took a fifth longer. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__: tuple[str, ...] = ()  # the program is `app.main`
