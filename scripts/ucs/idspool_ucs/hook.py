"""The process that takes the changes: `idspool-listener hook --stream`."""

import configparser
import contextlib
import json
import os
import pwd
import select
import signal
import subprocess
import time

from .log import quoted

SETTINGS_FILE = os.environ.get("IDSPOOL_UCS_SETTINGS", "/etc/idspool/ucs-listener.ini")

# Far more than a reason is long.
LONGEST_ANSWER = 1024 * 1024


class HookError(Exception):
    """The hook cannot take changes at present."""


@contextlib.contextmanager
def as_root():
    """For what only root may do: the listener is root in disguise. It is itself again afterwards."""
    effective = os.geteuid()
    must_switch = effective != 0 and os.getuid() == 0
    if must_switch:
        os.seteuid(0)
    try:
        yield
    finally:
        if must_switch:
            os.seteuid(effective)


class Hook:
    """One running `idspool-listener hook --stream`."""

    def __init__(self):
        self.process = None
        self.program = "/usr/local/bin/idspool-listener"
        self.config = "/etc/idspool/idspool.toml"
        self.user = None
        self.timeout = 30.0

    def read_settings(self):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            # The folder is the administrator's, and need not be open for the listener's user.
            with as_root(), open(SETTINGS_FILE, encoding="utf-8") as reader:
                parser.read_file(reader)
            found = dict(parser["listener"]) if parser.has_section("listener") else {}
            self.program = found.pop("program", Hook().program)
            self.config = found.pop("config", Hook().config)
            self.user = found.pop("user", None)
            self.timeout = min(max(float(found.pop("timeout", Hook().timeout)), 0.1), 3600.0)
            if found or parser.sections() not in ([], ["listener"]):
                raise HookError("%s: unknown: %s; there is [listener] with program, config, user and "
                                "timeout" % (SETTINGS_FILE, ", ".join(found) or parser.sections()))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, configparser.Error) as error:
            raise HookError("cannot use the settings %s: %s" % (SETTINGS_FILE, error))

    def account(self):
        """The account that the hook runs as: the one that owns the spool."""
        for user in [self.user] if self.user else ["idspool", "root"]:
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(user)
        raise HookError("there is no user %s; correct `user` in %s" % (self.user, SETTINGS_FILE))

    def start(self):
        self.read_settings()
        account = self.account()
        must_switch = os.getuid() != account.pw_uid or os.geteuid() != account.pw_uid
        if must_switch and os.getuid() != 0 and os.geteuid() != 0:
            raise HookError("cannot become %s without being root; set `user` in %s"
                            % (account.pw_name, SETTINGS_FILE))

        groups = os.getgrouplist(account.pw_name, account.pw_gid)

        def become():
            # The listener blocks signals around each call, and a child inherits that.
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            # Here, in the child: the effective user of the listener itself is never changed.
            if must_switch:
                os.seteuid(0)
                os.setgroups(groups)
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            os.umask(0o077)

        command = [self.program, "hook", "--stream", "--config", self.config]
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                bufsize=0, close_fds=True, cwd="/", preexec_fn=become,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise HookError("cannot run %s as %s: %s" % (self.program, account.pw_name, error))
        os.set_blocking(self.process.stdin.fileno(), False)
        os.set_blocking(self.process.stdout.fileno(), False)

    def ask(self, lines):
        """Yields one answer for each line, in order."""
        is_new = self.process is None
        if is_new:
            self.start()
        try:
            first, rest = None, self.exchange(lines)
            first = next(rest)
        except HookError:
            if is_new:
                raise
            # Somebody has ended the old one, perhaps to install another version.
            self.close()
            self.start()
            rest = self.exchange(lines)
            first = next(rest)
        yield first
        for answer in rest:
            yield answer

    def exchange(self, lines):
        writer, reader = self.process.stdin.fileno(), self.process.stdout.fileno()
        data, buffer, missing = b"".join(lines), b"", len(lines)
        until = time.monotonic() + self.timeout
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        poll.register(writer, select.POLLOUT)
        while missing:
            left = until - time.monotonic()
            if left <= 0:
                raise HookError("%s has not answered for %g seconds" % (self.program, self.timeout))
            ready = dict(poll.poll(left * 1000))
            try:
                if writer in ready and data:
                    data = data[os.write(writer, data):]
                    if not data:
                        poll.unregister(writer)
                if reader in ready:
                    read = os.read(reader, 65536)
                    if not read:
                        raise HookError(self.last_words())
                    buffer += read
                    if len(buffer) > LONGEST_ANSWER:
                        raise HookError("%s answers without end" % self.program)
            except BlockingIOError:
                continue
            except OSError:
                raise HookError(self.last_words())
            while missing and b"\n" in buffer:
                answer, buffer = buffer.split(b"\n", 1)
                try:
                    yield dict(json.loads(answer.decode()))
                except (ValueError, TypeError):
                    raise HookError("%s answers %s" % (self.program, quoted(answer)))
                missing -= 1
                until = time.monotonic() + self.timeout

    def last_words(self):
        """What the hook said before it ended."""
        process = self.process
        said = self.close()
        return "%s ended with status %s%s" % (self.program, process.returncode, ": " + said if said else "")

    def close(self):
        """Ends it; returns what it has said on standard error."""
        process, self.process = self.process, None
        if process is None:
            return ""
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            with as_root():
                process.kill()
            process.wait()
        os.set_blocking(process.stderr.fileno(), False)
        said = process.stderr.read(4096) or b""
        process.stdout.close()
        process.stderr.close()
        return " ".join(said.decode("utf-8", "replace").split())
