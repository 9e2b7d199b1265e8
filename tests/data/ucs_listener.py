"""Stands in for the Univention Directory Listener: loads a module as it does, and calls it as it does.

    python3 -O -B ucs_listener.py MODULE [EFFECTIVE_UID]

Each line of standard input is a JSON object, and is answered by one on standard output:

    {"call": "handler", "dn": ..., "new": {...}, "old": {...}, "command": "m"}
    {"call": "initialize" | "clean" | "postrun"}      {"call": "setdata", "key": ..., "value": ...}
    {"set": {"idspool_ucs.reporter.RETRY_SECONDS": 0}}      {"get": "idspool_ucs.kind.OBJECT_TYPES"}

Values are lists of texts, which the module gets as bytes. The answer to a call has what the real listener
would look at: whether the result was None, an exception, and whether the effective user is still the same.
"""

import json
import os
import signal
import sys
import time
import types


def stub_modules():
    debug = types.ModuleType("univention.debug")
    debug.LISTENER, debug.ERROR, debug.WARN, debug.PROCESS, debug.INFO = 8, 0, 1, 2, 3

    def write(category, level, text):
        names = ("ERROR", "WARN", "PROCESS", "INFO")
        sys.stderr.write("LISTENER ( %s ) : %s\n" % (names[level], text))
        sys.stderr.flush()

    debug.debug = write
    univention = types.ModuleType("univention")
    univention.debug = debug
    sys.modules.update({"univention": univention, "univention.debug": debug})


def load(path):
    # Under its path as its name, as the listener does it.
    module = types.ModuleType(path)
    module.__file__ = path
    with open(path, "rb") as reader:
        exec(compile(reader.read(), path, "exec"), module.__dict__)
    for required in ("name", "description", "filter", "handler"):
        getattr(module, required)
    return module


def entry(given):
    if given is None:
        return None
    return {key: [value.encode("utf-8") for value in values] for key, values in given.items()}


def call(module, request):
    what = request.pop("call")
    if what == "handler":
        arguments = [request["dn"], entry(request["new"]), entry(request["old"])]
        if module.modrdn:
            arguments.append(request["command"])
    else:
        arguments = list(request.values())
    user, began, error, result = os.geteuid(), time.monotonic(), None, None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        result = getattr(module, what)(*arguments)
    except Exception as problem:
        error = repr(problem)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return {"is_none": result is None, "error": error, "same_user": os.geteuid() == user,
            "seconds": time.monotonic() - began}


def main():
    stub_modules()
    if len(sys.argv) > 2:
        # The groups of the root that it was started as stay.
        os.setgroups([0])
        os.seteuid(int(sys.argv[2]))
    module = load(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        if "set" in request:
            for path, value in request["set"].items():
                owner, name = path.rsplit(".", 1)
                setattr(sys.modules[owner], name, value)
            answer = {}
        elif "get" in request:
            owner, name = request["get"].rsplit(".", 1)
            answer = {"value": getattr(sys.modules[owner], name)}
        else:
            answer = call(module, request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
