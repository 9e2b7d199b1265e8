"""Univention Directory Listener module: reports changes to idspool.

Lies in /usr/lib/univention-directory-listener/system/, as a link to where it was installed, and is called
for every change of the directory. What idspool handles goes to one `idspool-listener hook --stream`, which
answers each change once it is safe in the listener spool; only then does the handler return. What cannot be
handed over is kept in STATE_DIR and sent, in order, before anything that comes later.

    pending.jsonl    changes that wait for the hook, as `idspool-listener hook --stdin` reads them
    rejected.jsonl   changes that the hook refused, each with the reason; nobody sends them again
    renamed.json     objects whose old DN is gone and whose new DN has not been told yet
    initialized      the listener has called initialize() before: the next time is a resync

Called as a program it sends what is pending. Runs with Python 3.7 and newer.
"""

import contextlib
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import idspool_ucs.log
from idspool_ucs.log import ERROR, log, quoted
from idspool_ucs.reporter import Reporter

name = "idspool"
description = "Reports changes to idspool"
# Everything: an object that stops being of a wanted type would no longer fit a narrower filter, and the
# listener would not tell that it has gone.
filter = "(objectClass=*)"
attributes = []
modrdn = "1"

STATE_DIR = os.environ.get("IDSPOOL_UCS_STATE", "/var/lib/idspool-ucs-listener")

_reporter = None


def reporter():
    global _reporter
    if _reporter is None:
        _reporter = Reporter(STATE_DIR)
    return _reporter


def setdata(key, value):
    """The listener's LDAP account. idspool has its own, and nothing of this is kept."""


def initialize():
    """Before the listener tells all there is. The second time and later that is a resync."""
    with survive("initialize"):
        reporter().initialize()


def clean():
    """Before initialize(). What is pending has not been reported yet, so nothing is removed."""


def handler(dn, new, old, command=""):
    """One change. Returns nothing: anything else, or an exception, makes the listener forget that this
    module knows the object, and a later deletion would not be told."""
    with survive("report the change of %s" % quoted(dn)):
        reporter().change(dn, new or {}, old or {}, command)


def postrun():
    """Nothing has happened for 15 seconds."""
    with survive("finish"):
        reporter().rest()


@contextlib.contextmanager
def survive(what):
    try:
        yield
    except Exception:
        log(ERROR, "cannot %s; please report this:\n%s" % (what, traceback.format_exc()))


def main():
    """Sends what is pending; for cron, for when nothing changes any more after a failure."""
    if not os.path.exists(os.path.join(STATE_DIR, "pending.jsonl")):
        return 0
    idspool_ucs.log.is_program = True
    if os.geteuid() == 0:
        # What is written stays the listener's.
        os.seteuid(os.stat(STATE_DIR).st_uid)
    sender = Reporter(STATE_DIR)
    sender.send_pending(is_due=True)
    sender.hook.close()
    return 1 if sender.may_be_pending else 0


if __name__ == "__main__":
    sys.exit(main())
