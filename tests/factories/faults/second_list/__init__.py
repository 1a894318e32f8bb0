"""A second list of single defects, written before the checks were read.

It was made from the format of a release and a release itself, in ignorance of what
`somobench validate` asks, so that the share which it finds at first sight says what it
will find of defects that nobody has thought of.
"""

from factories.faults.second_list import documents as documents
from factories.faults.second_list import encoding as encoding
from factories.faults.second_list import features as features
from factories.faults.second_list import forcing as forcing
from factories.faults.second_list import predictions as predictions
from factories.faults.second_list import scores as scores
from factories.faults.second_list import splits as splits
from factories.faults.second_list import tables as tables
from factories.faults.second_list import targets as targets
from factories.faults.second_list.folder import DEFECTS as DEFECTS
from factories.faults.second_list.folder import Defect as Defect
from factories.faults.second_list.folder import Folder as Folder
