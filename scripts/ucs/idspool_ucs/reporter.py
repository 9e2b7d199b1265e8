"""From calls to changes, and from changes to the hook; what it does not take is kept."""

import json
import os
import time

from .disk import Pending, Renames, append, encoded
from .hook import Hook, HookError
from .kind import entry_uuid, object_type
from .log import ERROR, INFO, log, quoted

# The listener's stand-in for a container that it is not allowed to read.
NO_UUID = "00000000-0000-0000-0000-000000000000"

# A rename is told in two calls, one directly after the other. postrun comes as late.
RENAME_SECONDS = 15
# Between two attempts while the hook fails.
RETRY_SECONDS = 5
LOG_SECONDS = 60
# Changes in memory while nothing can be written anywhere.
MAX_UNSAVED = 100000


class Reporter:
    """Turns calls into changes, and hands them over or keeps them."""

    def __init__(self, folder):
        self.folder = folder
        self.remedy = "%s must be a folder of the listener's user, with room (scripts/ucs/install makes it)" % folder
        self.hook = Hook()
        self.pending = Pending(folder)
        self.renames = Renames(os.path.join(folder, "renamed.json"))
        self.is_resync = False
        # Also what an earlier process has left.
        self.may_be_pending = os.path.exists(self.pending.path)
        # Neither the hook nor the disk has taken these.
        self.unsaved = []
        self.lost = 0
        self.failed_at = None
        self.logged_at = None

    def initialize(self):
        marker = os.path.join(self.folder, "initialized")
        self.is_resync = os.path.exists(marker)
        log(INFO, "resync: all objects are reported again" if self.is_resync else "reports all objects")
        try:
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            log(ERROR, "cannot note that the module is initialized: %s; %s" % (error, self.remedy))

    def change(self, dn, new, old, command):
        uuid = entry_uuid(new) or entry_uuid(old)
        now, before = object_type(new), object_type(old)
        if command == "r" and not new:
            if before and uuid:
                self.renames.remember(uuid, dn, before)
        elif uuid != NO_UUID:
            renamed = self.renames.get(uuid)
            if renamed:
                before = renamed["object_type"]
            if now or before:
                self.report(uuid, dn, now, before, command)
            if renamed:
                # Only now: what became of it is safe.
                self.renames.forget(uuid)
        self.settle_renames(RENAME_SECONDS)
        self.send_pending(is_due=False)

    def report(self, uuid, dn, now, before, command):
        if not uuid:
            log(ERROR, "%s has no entryUUID in the listener's cache and cannot be reported; run "
                "univention-directory-listener-ctrl resync idspool" % quoted(dn))
            return
        what = "delete" if not now else "modify" if before else "add"
        # An object that has become another type is reported as what it was: the converter finds out
        # what it is, and tells the recipients of both.
        change = {"entry_uuid": uuid, "dn": dn, "object_type": before or now, "command": what}
        if command == "n" and self.is_resync and now:
            change["resync"] = True
        self.hand_over([encoded(change)])

    def settle_renames(self, seconds):
        for uuid, renamed in self.renames.older_than(seconds):
            change = {"entry_uuid": uuid, "dn": renamed["dn"],
                      "object_type": renamed["object_type"], "command": "delete"}
            self.hand_over([encoded(change)])
            self.renames.forget(uuid)

    def rest(self):
        self.settle_renames(0)
        self.send_pending(is_due=True)
        self.hook.close()

    def hand_over(self, lines):
        """When this returns, the changes are in the spool, or on disk here, or kept aside."""
        if not self.may_be_pending and not self.unsaved and self.may_try():
            lines = lines[self.deliver(lines):]
        if lines:
            self.keep(lines)

    def may_try(self):
        return self.failed_at is None or time.monotonic() - self.failed_at >= RETRY_SECONDS

    def keep(self, lines):
        # Without a disk nothing is safe; as long as the handler does not return, the listener does not
        # count the change as told. Once only: the changes after it would wait as long, each.
        until = time.monotonic() + (0 if self.unsaved else self.hook.timeout)
        while True:
            try:
                with self.pending.locked(self.hook.timeout):
                    self.pending.append(self.unsaved + lines)
                self.unsaved = []
                self.may_be_pending = True
                return
            except OSError as error:
                problem = error
            if time.monotonic() >= until:
                break
            time.sleep(0.2)
        self.lost += max(0, len(self.unsaved) + len(lines) - MAX_UNSAVED)
        self.unsaved = (self.unsaved + lines)[:MAX_UNSAVED]
        self.failed("cannot keep %d changes on disk: %s; they are lost when the listener stops before there is "
                    "room, and %d are lost already: then run univention-directory-listener-ctrl resync idspool; %s"
                    % (len(self.unsaved), problem, self.lost, self.remedy))

    def send_pending(self, is_due):
        if self.unsaved:
            self.keep([])
        if not self.may_be_pending or not (is_due or self.may_try()):
            return
        try:
            with self.pending.locked(self.hook.timeout):
                self.may_be_pending = not self.drain()
        except OSError as error:
            self.failed("cannot use the pending changes in %s: %s; %s"
                        % (self.folder, error, self.remedy))

    def drain(self):
        """Sends what is pending; whether all of it is gone."""
        done, count = 0, 0
        for chunk in self.pending.chunks():
            settled = self.deliver(chunk)
            done += sum(len(line) for line in chunk[:settled])
            count += settled
            if settled < len(chunk):
                self.pending.remove(done)
                return False
        self.pending.remove(None)
        if count:
            log(INFO, "sent %d pending changes" % count)
        return True

    def deliver(self, lines):
        """How many of the lines are settled: in the spool or refused."""
        settled = 0
        try:
            for answer in self.hook.ask(lines):
                if "failed" in answer:
                    raise HookError(str(answer["failed"]))
                if "refused" in answer:
                    self.reject(lines[settled], str(answer["refused"]))
                elif "enqueued" not in answer:
                    raise HookError("%s answers %s" % (self.hook.program, quoted(answer)))
                settled += 1
            self.failed_at = self.logged_at = None
        except HookError as error:
            self.hook.close()
            self.failed("cannot report changes: %s; they are kept in %s and sent when this is mended"
                        % (error, self.pending.path))
        return settled

    def failed(self, problem):
        self.failed_at = time.monotonic()
        if self.logged_at is None or self.failed_at - self.logged_at >= LOG_SECONDS:
            self.logged_at = self.failed_at
            log(ERROR, problem)

    def reject(self, line, problem):
        path = os.path.join(self.folder, "rejected.jsonl")
        log(ERROR, "refused: %s: %s; kept in %s" % (quoted(line.decode("utf-8", "replace").strip()), problem, path))
        try:
            change = json.loads(line.decode())
        except ValueError:
            change = line.decode("utf-8", "replace")
        aside = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "problem": problem, "change": change}
        try:
            append(path, encoded(aside))
        except OSError as error:
            log(ERROR, "cannot write %s: %s; the line above is all that is left" % (path, error))
