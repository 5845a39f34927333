# SPDX-License-Identifier: GPL-2.0
"""A service manager for pvid_test.sh: starts a program, keeps the descriptors it hands over
(FDSTORE=1), and starts it again with them when it is killed. Prints "ready PID" at each READY=1; the last
STATUS is in PATH.status. When the program ends it does as well, or with KEEPER_STAYS prints "ended" first,
and keeps what it has until a signal."""
import array, os, signal, socket, sys

kept, path = {}, sys.argv[1]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path)

def start(argv):
    fds = list(kept.items())
    pid = os.fork()
    if pid:
        return pid
    # Behind all that are open, so that none is overwritten
    copies = [os.dup2(fd, 200 + i) for i, (_, fd) in enumerate(fds)]
    for i, fd in enumerate(copies):
        os.dup2(fd, 3 + i, inheritable=True)
    os.closerange(3 + len(fds), 512)
    os.environ.update(NOTIFY_SOCKET=path, LISTEN_FDS=str(len(fds)), LISTEN_PID=str(os.getpid()),
                      LISTEN_FDNAMES=":".join(name for name, _ in fds))
    os.execvp(argv[0], argv)

def obey(text, fds):
    lines = dict(line.split("=", 1) for line in text.splitlines())
    if "FDSTORE" in lines:
        kept[lines["FDNAME"]] = fds[0]
    if "FDSTOREREMOVE" in lines and lines["FDNAME"] in kept:
        os.close(kept.pop(lines["FDNAME"]))
    if "STATUS" in lines:
        with open(path + ".status", "w") as file:
            file.write(lines["STATUS"])
    return "READY" in lines

def end(number, frame):
    os.kill(pid, signal.SIGKILL)
    sys.exit(1)

pid = start(sys.argv[2:])
signal.signal(signal.SIGTERM, end)
notify.settimeout(0.1)
while True:
    try:
        text, control, _, _ = notify.recvmsg(4096, socket.CMSG_LEN(4))
        fds = array.array("i", control[0][2] if control else b"")
        if obey(text.decode(), fds):
            print("ready", pid, flush=True)
    except socket.timeout:
        pass
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended and not os.WIFSIGNALED(status) and "KEEPER_STAYS" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        print("ended", flush=True)
        signal.pause()
    if ended and not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    if ended:
        pid = start(sys.argv[2:])
