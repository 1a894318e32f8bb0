"""A second list of single defects, written before the checks were read.

It was made from the format of a release and a release itself, in ignorance of what
`somobench validate` asks, so that the share which it finds at first sight says what it
will find of defects that nobody has thought of.
"""

from . import documents as documents
from . import encoding as encoding
from . import features as features
from . import forcing as forcing
from . import predictions as predictions
from . import scores as scores
from . import splits as splits
from . import tables as tables
from . import targets as targets
from .folder import DEFECTS as DEFECTS
from .folder import Defect as Defect
from .folder import Folder as Folder
