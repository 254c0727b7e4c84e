"""What KubeRay takes in a RayJob, as a table of our own: names, kinds and rules of the fields, without the pods inside.

Read from KubeRay's types (ray-operator/apis/ray/v1/rayjob_types.go, raycluster_types.go) and its own checks before it starts anything
(ray-operator/controllers/ray/utils/validation.go), versions 1.5.1 to 1.7, in November 2026. No package that can be installed carries its
CRD, and a server that knows the CRD drops fields it does not know without a word, so a typo would never be told. Pods are checked with
Kubernetes' own schemas elsewhere. Fields that came after 1.5.1 are left out on purpose: the file promises to run there.
"""

from __future__ import annotations

import re
from typing import Any

POD = "pod template"
TEXTS = "object of texts"
"""A map whose values must be strings: Kubernetes refuses `num-cpus: 0`."""
SUBMISSION = ("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode")
SERVICE = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
HEAD = {"template": POD, "rayStartParams": TEXTS, "serviceType": SERVICE, "headService": dict, "enableIngress": bool, "resources": TEXTS,
        "labels": TEXTS}  # fmt: skip
WORKERS = {"groupName": str, "template": POD, "replicas": int, "minReplicas": int, "maxReplicas": int, "numOfHosts": int,
           "rayStartParams": TEXTS, "idleTimeoutSeconds": int, "scaleStrategy": {"workersToDelete": list}, "suspend": bool,
           "resources": TEXTS, "labels": TEXTS}  # fmt: skip
CLUSTER = {"headGroupSpec": HEAD, "workerGroupSpecs": [WORKERS], "rayVersion": str, "authOptions": {"mode": ("disabled", "token")},
           "enableInTreeAutoscaling": bool, "autoscalerOptions": dict, "gcsFaultToleranceOptions": dict, "headServiceAnnotations": TEXTS,
           "suspend": bool, "managedBy": str, "upgradeStrategy": dict}  # fmt: skip
JOB = {"entrypoint": str, "submissionMode": SUBMISSION, "backoffLimit": int, "activeDeadlineSeconds": int, "rayClusterSpec": CLUSTER,
       "submitterPodTemplate": POD, "submitterConfig": {"backoffLimit": int}, "metadata": TEXTS, "clusterSelector": TEXTS,
       "managedBy": str, "deletionStrategy": dict, "runtimeEnvYAML": str, "jobId": str, "entrypointResources": str,
       "entrypointNumCpus": float, "entrypointNumGpus": float, "ttlSecondsAfterFinished": int, "shutdownAfterJobFinishes": bool,
       "suspend": bool}  # fmt: skip
MAX_NAME = 47
"""50 of a cluster's name, less the six that are appended to the job's."""
NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
TOKEN_SINCE = (2, 52)
"""First version of Ray with token authentication."""


def problems(job: dict[str, Any]) -> list[str]:
    """Everything in a RayJob that KubeRay would refuse or drop; empty for a sound one."""
    found = _misfits(job.get("spec", {}), JOB, "spec")
    if (job.get("apiVersion"), job.get("kind")) != ("ray.io/v1", "RayJob"):
        found.append(f"{job.get('apiVersion')} {job.get('kind')}: not ray.io/v1 RayJob")
    if unknown := set(job) - {"apiVersion", "kind", "metadata", "spec"}:
        found.append(f"unknown: {', '.join(sorted(unknown))}")
    return found or [*_of_job(job), *_of_cluster(job["spec"].get("rayClusterSpec", {}))]


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The specifications of all its pods: head, worker groups, and who submits."""
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", [])]
    return [group["template"]["spec"] for group in groups] + [job["spec"]["submitterPodTemplate"]["spec"]]


def _misfits(value: Any, kind: Any, place: str) -> list[str]:
    if isinstance(kind, tuple):
        return [] if value in kind else [f"{place}: {value!r} is none of {', '.join(kind)}"]
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{place}: no list"]
        return [line for number, item in enumerate(value) for line in _misfits(item, kind[0], f"{place}[{number}]")]
    if not isinstance(kind, dict) and kind not in (POD, TEXTS):
        fits = isinstance(value, (int, float) if kind is float else kind) and (kind is bool or not isinstance(value, bool))
        return [] if fits else [f"{place}: {value!r} is no {kind.__name__}"]
    if not isinstance(value, dict):
        return [f"{place}: no object"]
    if kind == POD:
        return _misfits(value, {"metadata": dict, "spec": dict}, place)
    if kind == TEXTS:
        return [f"{place}.{name}: {item!r} is no text" for name, item in value.items() if not isinstance(item, str)]
    return [f"{place}.{name}: no such field" for name in value if name not in kind] + [
        line for name, item in value.items() if name in kind for line in _misfits(item, kind[name], f"{place}.{name}")
    ]


def _of_job(job: dict[str, Any]) -> list[str]:
    spec, name, found = job["spec"], job.get("metadata", {}).get("name", ""), []
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        found.append(f"metadata.name: {name!r} is no label of DNS of at most {MAX_NAME} characters")
    if "rayClusterSpec" not in spec and not spec.get("clusterSelector"):
        found.append("spec: neither rayClusterSpec nor clusterSelector")
    found += [f"spec.{field}: negative" for field in ("ttlSecondsAfterFinished", "backoffLimit") if spec.get(field, 0) < 0]
    if spec.get("activeDeadlineSeconds", 1) <= 0:
        found.append("spec.activeDeadlineSeconds: not positive")
    if spec.get("ttlSecondsAfterFinished") and not spec.get("shutdownAfterJobFinishes"):
        found.append("spec.ttlSecondsAfterFinished: needs shutdownAfterJobFinishes")
    if spec.get("submissionMode") == "InteractiveMode" and spec.get("backoffLimit"):
        found.append("spec.backoffLimit: not in InteractiveMode")
    if spec.get("submissionMode") == "SidecarMode" and {"submitterPodTemplate", "submitterConfig"} & spec.keys():
        found.append("spec: SidecarMode takes no submitter of its own")
    return found


def _of_cluster(cluster: dict[str, Any]) -> list[str]:
    found = []
    if cluster.get("authOptions", {}).get("mode") == "token":
        version = tuple(int(part) for part in re.findall(r"\d+", cluster.get("rayVersion", ""))[:2])
        if version < TOKEN_SINCE:
            found.append(f"rayClusterSpec.rayVersion: {cluster.get('rayVersion')!r} has no token authentication")
    for group in [cluster.get("headGroupSpec", {}), *cluster.get("workerGroupSpecs", [])]:
        name = group.get("groupName", "head")
        if not group.get("template", {}).get("spec", {}).get("containers"):
            found.append(f"{name}: no container")
        if "rayStartParams" not in group:
            found.append(f"{name}: no rayStartParams")  # optional since 1.6 only
        if group.get("resources") and {"num-cpus", "num-gpus", "memory", "resources"} & group.get("rayStartParams", {}).keys():
            found.append(f"{name}: resources both in rayStartParams and in resources")
        if "labels" in group.get("rayStartParams", {}):
            found.append(f"{name}: labels belong to the group, not to rayStartParams")
    for group in cluster.get("workerGroupSpecs", []):
        if "groupName" not in group:
            found.append("a group of workers without groupName")
        if not 0 <= group.get("minReplicas", -1) <= group.get("maxReplicas", -1):
            found.append(f"{group.get('groupName')}: minReplicas and maxReplicas must both stand there, in order")
    return found
