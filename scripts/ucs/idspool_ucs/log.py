"""Messages: in listener.log where that is to be had, else on standard error."""

import contextlib
import json
import sys

# The names of univention.debug.
ERROR, INFO = "ERROR", "PROCESS"

# Set by the program that is no listener: whoever calls it reads standard error.
is_program = False


def log(level, message):
    text = "idspool: " + message
    try:
        if is_program:
            raise ImportError
        import univention.debug as debug
        debug.debug(debug.LISTENER, getattr(debug, level), text)
    except Exception:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(level + " " + text + "\n")
            sys.stderr.flush()


def quoted(text):
    """For messages: in one line, whatever it contains."""
    return json.dumps(str(text)[:500], ensure_ascii=False)
