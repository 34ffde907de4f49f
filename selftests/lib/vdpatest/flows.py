# SPDX-License-Identifier: GPL-2.0-only
"""
Many flows at once: connections from many ports to one where nobody listens. The
guest's kernel refuses each, which is a frame each way, and the addresses spread
them over all queues. A queue that is dead leaves its flows without an answer.

  flows.py ADDRESS NUMBER SECONDS     prints how many were refused in that time
"""

import errno
import select
import socket
import sys
import time

CLOSED_PORT = 9
# Below the ports that the kernel chooses itself.
FIRST_PORT = 20000


def connect(address, port):
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind(("", port))
    sock.connect_ex((address, CLOSED_PORT))
    return sock


def refused(address, number, seconds):
    socks = [connect(address, FIRST_PORT + i) for i in range(number)]
    waiting = {sock.fileno(): sock for sock in socks}
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLOUT)
    count = 0
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        for fd, _ in poll.poll(100):
            poll.unregister(fd)
            error = waiting.pop(fd).getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            count += error == errno.ECONNREFUSED
    return count


if __name__ == "__main__":
    print(refused(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
