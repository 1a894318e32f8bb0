"""One module per DVC stage, and the readers of raw sources.

A leaf: nothing else in SoMoBench imports it.
"""

import os

from somobench.bound import bind_to_parent

# A stage ends with the DVC that runs it, where a shell such as bash gave it its place.
if "DVC_STAGE" in os.environ:
    bind_to_parent(os.getppid())
