"""The workspace as it travels to a node: code and parameters as they are here, changes included."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

# what stages are made of; results, documentation and tests stay at home
FOLDERS = (".dvc/config", ".dvcignore", "cluster", "denoising", "dvc.yaml", "params.yaml", "stages")
STUDIES = "studies"  # only the one that is run: DVC reads every pipeline that it finds
OF_PIPELINE = ("dvc.yaml", "params.yaml")


def pack(root: Path, folder: str = ".") -> bytes:
    """A tar of what git knows of the workspace or would add, as it lies there.

    The same files give the same bytes.

    Parameters
    ----------
    root : Path
        Of the repository.
    folder : str
        Of a pipeline in it, whose files travel also where git is told to ignore them.
    """
    command = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        *FOLDERS,
        *((f":(glob){STUDIES}/*.py", folder) if Path(folder).parts[:1] == (STUDIES,) else ()),
    ]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True)
    names = set(done.stdout.decode().split("\0")) - {""}
    names |= {os.path.normpath(Path(folder, name)) for name in OF_PIPELINE}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in sorted(names):
            if (root / name).is_file():  # git still knows those that were deleted
                tar.add(root / name, name, filter=_anonymous)
    return buffer.getvalue()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member
