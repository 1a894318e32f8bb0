"""Start the reader of a submission, without libraries that it has no use for."""

import sys

from somobench.submissions.hidden import OPTIONAL, hide_libraries

if __name__ == "__main__":
    hide_libraries(*OPTIONAL)
    from somobench.submissions.reader import main

    sys.exit(main(sys.argv[1:]))
