"""Whether a path lies on a file system whose writes can hang: one of a network or of another program (Linux)."""

from __future__ import annotations

import os

_REMOTE = ("nfs", "cifs", "smb", "fuse", "9p", "ceph", "gluster", "lustre", "afs", "virtiofs")


def is_remote(path: str, mounts: str = "/proc/self/mounts") -> bool:
    """True for network file systems; False where that cannot be told."""
    target = os.path.realpath(path)
    best, kind = "", ""
    try:
        with open(mounts, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                fields = line.split(" ")
                if len(fields) < 3:
                    continue
                point = fields[1].replace("\\040", " ").rstrip("/")
                if len(point) >= len(best) and (target + "/").startswith(point + "/"):
                    best, kind = point, fields[2]
    except OSError:
        return False
    return kind.startswith(_REMOTE)
