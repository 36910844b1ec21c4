"""A Kubernetes Indexed Job that trains the seeds that are missing: one pod for each, the same image, one shared volume.

The manifest is JSON, which is YAML too: `kubectl apply -f` reads it. Fields as in the batch/v1 API of Kubernetes 1.31
(`backoffLimitPerIndex` and `podReplacementPolicy` are on by default from 1.29).
"""

import json
import re
from pathlib import Path

from bitforbit.errors import UsageError
from bitforbit.evidence import canonical
from bitforbit.policy import Policy, devices
from bitforbit.replicates import contract, seedlist

FILE = "replicates.job.json"
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
RETRIES = 3
LIMITS = {"cpu": "2", "memory": "4Gi"}


def write(task: contract.Task, seeds: list[int], image: str | None, claim: str, parallelism: int) -> Path:
    """Write the manifest beside the seeds' folders; returns its path.

    Raises:
        UsageError: the image is not named by its digest: two nodes could then run two images.
    """
    folder = task.folder(0).parent
    folder.mkdir(parents=True, exist_ok=True)
    document = manifest(task, seeds, image, claim, parallelism)
    canonical.write(folder / FILE, (json.dumps(document, indent=2) + "\n").encode())
    return folder / FILE


def manifest(task: contract.Task, seeds: list[int], image: str | None, claim: str, parallelism: int) -> dict:
    """Return the Job as a dict.

    Args:
        task: the configuration; an experiment of a file must be in the image.
        seeds: what is missing, ascending; index i trains the i-th.
        image: `name@sha256:...`.
        claim: name of the PersistentVolumeClaim (ReadWriteMany) that holds the runs.
        parallelism: pods at a time.
    """
    if not image or not DIGEST.fullmatch(image):
        raise UsageError(
            f"expected an image by its digest, received {image or 'none'}. Next step: --image NAME@sha256:DIGEST"
            " (docker image inspect --format '{{index .RepoDigests 0}}' NAME)"
        )
    words, pinned = task._replace(root="/runs").command(), Policy(*task.policy)
    gpus = {"nvidia.com/gpu": str(pinned.gpus)} if pinned.device == devices.GPU else {}
    container = {
        "name": "replicate",
        "image": image,
        "args": [*words, "--seeds", seedlist.spell(seeds), "--index", "$(JOB_COMPLETION_INDEX)"],
        "resources": {"limits": LIMITS | gpus},
        "volumeMounts": [{"name": "runs", "mountPath": "/runs"}, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
        "containers": [container],
        "volumes": [{"name": "runs", "persistentVolumeClaim": {"claimName": claim}}, {"name": "tmp", "emptyDir": {}}],
    }
    labels = {"app.kubernetes.io/name": "bitforbit", "bitforbit/config": task.config_hash[:12]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _name(task), "labels": labels},
        "spec": {
            "completionMode": "Indexed",
            "completions": len(seeds),
            "parallelism": min(parallelism, len(seeds)),
            # A pod that is killed starts again, from scratch; one that failed or diverged would do so again.
            "backoffLimitPerIndex": RETRIES,
            "podFailurePolicy": {"rules": [
                {"action": "FailIndex", "onExitCodes": {"containerName": "replicate", "operator": "In",
                                                        "values": [contract.FAILED, 3]}},
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]},
            # Else a second pod may start for an index while the first still ends.
            "podReplacementPolicy": "Failed",
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }  # fmt: skip


def _name(task: contract.Task) -> str:
    experiment = re.sub(r"[^a-z0-9]+", "-", task.name.lower()).strip("-")[:30]
    return f"bitforbit-{experiment}-{task.config_hash[:12]}"
