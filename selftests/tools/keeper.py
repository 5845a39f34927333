# SPDX-License-Identifier: GPL-2.0
"""A service manager: starts a program, keeps the descriptors it hands over (FDSTORE=1), and starts it
again with them when it is killed.

As a program, for pvid_test.sh, it prints "ready PID" at each READY=1; the last STATUS is in PATH.status, the names
of what it keeps in PATH.names, and how often it said that it is alive in PATH.watchdog. When the program ends it
does as well, or with KEEPER_STAYS prints "ended" first, and keeps what it has until a signal. With KEEPER_FULL=N it
starts a program anew with N descriptors in all, of which some are its own, and with as long names as there is room for
if there were as many as there may be; with KEEPER_OLD it has the longer names that pvid gave once; with KEEPER_LAST
PATH.last has the names of those that the program had closed before it told to forget them."""
import array, fcntl, os, signal, socket, sys

def name_of(number):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (name_of(number // 36) if number >= 36 else "") + digits[number % 36]

def check_names(fds):
    """As exec() does"""
    names = ":".join(name for name, _ in fds)
    assert len("LISTEN_FDNAMES=" + names) < 128 << 10, "the names of %d descriptors are too long" % len(fds)
    return names

class Keeper:
    """listener is passed as what a socket unit listens on; room is FileDescriptorStoreMax."""

    def __init__(self, path, argv, listener=None, room=16384):
        self.path, self.argv, self.listener, self.room = path, argv, listener, room
        self.kept, self.env, self.pid = [], {}, None
        self.old, self.null = {}, os.open("/dev/null", os.O_RDONLY)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        self.notify.settimeout(0.1)

    def start(self):
        fds = self.kept if self.listener is None else [("a.socket", self.listener.fileno())] + self.kept
        if "KEEPER_FULL" in os.environ and self.pid:
            # The longest names that there are
            others = [("v" + name_of(36**5 - 1 - i), self.null) for i in range(self.room - len(fds))]
            check_names(others + fds)
            fds = others[:int(os.environ["KEEPER_FULL"]) - len(fds)] + fds
        self.pid = os.fork()
        if self.pid:
            return
        names = check_names(fds)
        # Behind all that are open, so that none is overwritten
        free = max([fd for _, fd in fds] + [2 + len(fds), self.notify.fileno()]) + 1
        copies = [fcntl.fcntl(fd, fcntl.F_DUPFD, free) for _, fd in fds]
        for i, fd in enumerate(copies):
            os.dup2(fd, 3 + i, inheritable=True)
        os.closerange(3 + len(fds), 65536)
        os.environ.update(NOTIFY_SOCKET=self.path, LISTEN_FDS=str(len(fds)), LISTEN_PID=str(os.getpid()),
                          LISTEN_FDNAMES=names, **self.env)
        os.execvp(self.argv[0], self.argv)

    def keep(self, name, fd):
        if "KEEPER_OLD" in os.environ:
            with open("/proc/self/fdinfo/%d" % fd) as info:
                uuid = next(line.split()[1] for line in info if line.startswith("pvi-uuid:"))
            self.old[name] = "%s-%s-%d" % ({"v": "vm", "i": "in"}[name[0]], uuid, int(name[1:], 36))
            name = self.old[name]
        self.kept.append((name, fd))

    def closes_last(self, fd):
        """Whether the program has closed its own."""
        def uuid_of(pid, number):
            try:
                with open("/proc/%s/fdinfo/%s" % (pid, number)) as info:
                    return [line for line in info if line.startswith("pvi-uuid:")]
            except FileNotFoundError:
                # It has closed it since then.
                return None
        return uuid_of("self", fd) not in [uuid_of(self.pid, number) for number in os.listdir("/proc/%d/fd" % self.pid)]

    def forget(self, name):
        name = self.old.get(name, name)
        for fd in [fd for kept, fd in self.kept if kept == name]:
            if "KEEPER_LAST" in os.environ and self.closes_last(fd):
                with open(self.path + ".last", "a") as file:
                    file.write(name + "\n")
            os.close(fd)
        self.kept[:] = [(kept, fd) for kept, fd in self.kept if kept != name]

    def obey(self, text, fds):
        """One message: its lines."""
        lines = dict(line.split("=", 1) for line in text.splitlines())
        if "FDSTORE" in lines:
            while fds and len(self.kept) < self.room:
                self.keep(lines["FDNAME"], fds.pop(0))
        if "FDSTOREREMOVE" in lines:
            self.forget(lines["FDNAME"])
        # For which there is no room, or those of a barrier, which is passed when they are closed
        for fd in fds:
            os.close(fd)
        if "STATUS" in lines:
            with open(self.path + ".status", "w") as file:
                file.write(lines["STATUS"])
        return lines

    def hear(self):
        """The next message, or None if there was none for a while."""
        try:
            text, control, _, _ = self.notify.recvmsg(4096, socket.CMSG_LEN(4 * 253))
        except socket.timeout:
            return None
        fds = array.array("i")
        for _, _, data in control:
            fds.frombytes(data)
        return self.obey(text.decode(), list(fds))

def main():
    keeper = Keeper(sys.argv[1], sys.argv[2:])
    keeper.env["WATCHDOG_USEC"] = "1000000"
    alive = 0

    def end(number, frame):
        os.kill(keeper.pid, signal.SIGKILL)
        sys.exit(1)

    keeper.start()
    signal.signal(signal.SIGTERM, end)
    names = None
    while True:
        said = keeper.hear() or {}
        if names != [name for name, _ in keeper.kept]:
            names = [name for name, _ in keeper.kept]
            with open(keeper.path + ".names", "w") as file:
                file.write("".join(name + "\n" for name in names))
        if said.get("WATCHDOG") == "1":
            alive += 1
            with open(keeper.path + ".watchdog", "w") as file:
                print(alive, file=file)
        if "READY" in said:
            print("ready", keeper.pid, flush=True)
        ended, status = os.waitpid(keeper.pid, os.WNOHANG)
        if ended and not os.WIFSIGNALED(status) and "KEEPER_STAYS" in os.environ:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            print("ended", flush=True)
            signal.pause()
        if ended and not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))
        if ended:
            # As systemd does, which hears messages before ends: what it gave last is for the next one.
            while keeper.hear() is not None:
                pass
            keeper.start()

if __name__ == "__main__":
    main()
