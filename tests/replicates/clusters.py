"""Real clusters on this one machine: a Dask scheduler with workers, a Slurm controller with one node."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from support import PROJECT, clean_environment

SLURM = ("slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "munged")


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return found


class Dask:
    """A scheduler and workers, each a process group of its own, so that one can be killed as a machine would die."""

    def __init__(self, folder):
        self.folder, self.workers = folder, []
        folder.mkdir(exist_ok=True)
        self.file = folder / "scheduler.json"

    def start(self, workers):
        self.file.unlink(missing_ok=True)
        self.scheduler = self._run("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
        wait_for(lambda: self.file.exists() and self.file.read_text().endswith("}"))
        self.address = json.loads(self.file.read_text())["address"]
        for _ in range(workers):
            self.add_worker()
        return self

    def add_worker(self):
        number = len(self.workers)
        self.workers.append(self._run("worker", "--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny",
                                      "--host", "127.0.0.1", "--local-directory", self.folder / f"worker-{number}"))  # fmt: skip

    def kill(self, process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            self.kill(process)

    def _run(self, role, *words):
        command = [sys.executable, "-m", "dask", role, "--scheduler-file", self.file, *words]
        with open(self.folder / f"{role}.log", "ab") as log:
            return subprocess.Popen(
                list(map(str, command)), cwd=PROJECT, env=clean_environment(), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip


@contextlib.contextmanager
def dask(folder, workers=3):
    cluster = Dask(folder).start(workers)
    try:
        yield cluster
    finally:
        cluster.stop()


def slurm_problem() -> str:
    path = "/usr/sbin:/usr/bin:" + os.environ.get("PATH", "")
    missing = [name for name in SLURM if not shutil.which(name, path=path)]
    if missing:
        return f"no {', '.join(missing)} (apt-get install slurm-wlm munge)"
    return "" if os.getuid() == 0 else "Slurm's daemons need root"


@contextlib.contextmanager
def slurm(folder):
    """Yield the environment for sbatch and squeue of a cluster of one node: this machine."""
    folder.mkdir(exist_ok=True)
    host = socket.gethostname().split(".")[0]
    config = folder / "slurm.conf"
    config.write_text(f"""\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
""")
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(exist_ok=True)
    # Nothing is confined; the newer plugin wants a systemd to talk to.
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    environment = clean_environment(SLURM_CONF=str(config)) | {
        "PATH": "/usr/sbin:/usr/bin:" + os.environ["PATH"],
    }
    daemons = [
        ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
         f"--pid-file={folder}/munge.pid", f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"],
        ["slurmctld", "-D", "-f", str(config)],
        ["slurmd", "-D", "-f", str(config)],
    ]  # fmt: skip
    running = []
    try:
        for command in daemons:
            with open(folder / f"{command[0]}.out", "wb") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            if command[0] == "munged":
                wait_for(lambda: (folder / "munge.socket").exists())
        wait_for(lambda: "idle" in _output(["sinfo", "-h", "-o", "%T"], environment))
        yield environment
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def slurm_wait(environment, seconds=600):
    wait_for(lambda: not _output(["squeue", "-h"], environment).strip(), seconds)


def _output(command, environment):
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout
