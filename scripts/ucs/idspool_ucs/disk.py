"""What is kept on disk until the hook has it. Every write is durable when it returns."""

import contextlib
import fcntl
import json
import os
import time

from .log import ERROR, log

# What is under way to the hook at once: it fits into a pipe.
CHUNK_BYTES = 48 * 1024


def encoded(content):
    """A JSON line."""
    return json.dumps(content).encode("ascii") + b"\n"


def append(path, data):
    """Appends whole lines, durably or not at all."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = whole_lines(file, os.fstat(file).st_size)
        try:
            os.lseek(file, size, os.SEEK_SET)
            rest = data
            while rest:
                rest = rest[os.write(file, rest):]
            os.ftruncate(file, size + len(data))
            os.fsync(file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if not size:
        sync_folder(os.path.dirname(path))


def whole_lines(file, size):
    """Where the last whole line ends. Half a line is a write that was cut off, and was never
    acknowledged."""
    end = size
    while end:
        start = max(0, end - 4096)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def replace(path, data):
    draft = path + ".new"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as writer:
        writer.write(data)
        writer.flush()
        os.fsync(writer.fileno())
    os.rename(draft, path)
    sync_folder(os.path.dirname(path))


def sync_folder(path):
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Pending:
    """Changes that wait for the hook, in order."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "pending.jsonl")
        self.lock = os.path.join(folder, ".lock")

    @contextlib.contextmanager
    def locked(self, seconds):
        """Keeps the module and `idspool.py` as a program apart."""
        file = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            until = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise
                    time.sleep(0.01)
            yield
        finally:
            os.close(file)

    def append(self, lines):
        if lines:
            append(self.path, b"".join(lines))

    def chunks(self):
        """Whole lines, as many at a time as fit under way to the hook."""
        try:
            reader = open(self.path, "rb")
        except FileNotFoundError:
            return
        with reader:
            blank = b""
            while True:
                found, lines = reader.readlines(CHUNK_BYTES), []
                for line in found:
                    if not line.endswith(b"\n"):
                        continue
                    # What the hook takes for blank, too; Python counts the vertical tab in addition.
                    if line.strip(b" \t\r\n\f"):
                        lines.append(blank + line)
                        blank = b""
                    else:
                        # Has no answer of its own: it goes with the next one.
                        blank += line
                if lines:
                    yield lines
                if not found:
                    return

    def remove(self, length):
        """Removes the first `length` bytes, or all of it."""
        if length is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        elif length:
            with open(self.path, "rb") as reader:
                reader.seek(length)
                # What cannot be written again is sent twice, which is harmless.
                with contextlib.suppress(OSError):
                    replace(self.path, reader.read())


class Renames:
    """Objects between the two calls of a rename."""

    def __init__(self, path):
        self.path = path
        self.seen = {}
        self.objects = {}
        try:
            with open(path, "rb") as reader:
                found = json.loads(reader.read().decode())
            for uuid, renamed in found.items():
                self.objects[uuid] = {key: str(renamed[key]) for key in ("dn", "object_type")}
                # Its second call may have waited for this process: the time begins anew.
                self.seen[uuid] = time.monotonic()
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log(ERROR, "cannot read the renames under way in %s: %s" % (path, error))

    def get(self, uuid):
        return self.objects.get(uuid)

    def remember(self, uuid, dn, object_type):
        first = self.objects.get(uuid)
        self.objects[uuid] = {"dn": dn, "object_type": first["object_type"] if first else object_type}
        self.seen[uuid] = time.monotonic()
        self.save()

    def forget(self, uuid):
        if self.objects.pop(uuid, None):
            self.seen.pop(uuid)
            self.save()

    def older_than(self, seconds):
        if not self.objects:
            return []
        until = time.monotonic() - seconds
        return [(uuid, self.objects[uuid]) for uuid in list(self.objects) if self.seen[uuid] <= until]

    def save(self):
        try:
            if self.objects:
                replace(self.path, encoded(self.objects))
            else:
                os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            log(ERROR, "cannot write %s: %s" % (self.path, error))
