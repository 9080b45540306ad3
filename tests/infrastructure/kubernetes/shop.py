"""A small organisation as Kubernetes objects: what the real API server is given, and what is known of it."""

from __future__ import annotations

from typing import Any

EXPECTED_CALLS = {
    ("shop/storefront", "shop/cart"),
    ("shop/storefront", "shop/search"),
    ("shop/cart", "pay/cards"),
    ("pay/cards", "api.bank.example"),
}
EXPECTED_SERVICES = {
    "shop/storefront",
    "shop/cart",
    "shop/search",
    "shop/nightly",
    "pay/cards",
    "api.bank.example",
}
READ_RESOURCES = [
    {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"], "verbs": ["list"]},
]


def objects() -> list[dict[str, Any]]:
    depends_on, criticality = "sloengine.dev/depends-on", "sloengine.dev/criticality"
    return [
        *(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            for name in ("shop", "pay", "empty")
        ),
        _workload(
            "storefront",
            annotations={criticality: "critical", depends_on: "cart, search:soft"},
            labels={"team": "web", "app.kubernetes.io/part-of": "shop"},
        ),
        _service("storefront"),
        _workload("cart", labels={"team": "web"}, annotations={depends_on: "cards.pay"}),
        _workload("cart-canary", name_label="cart"),
        _service("cart", selector={"app.kubernetes.io/name": "cart"}),
        _workload("search", kind="StatefulSet"),
        _service("search", clusterIP="None"),
        _workload("nightly", kind="DaemonSet"),
        _workload("cards-v2", name_label="cards", namespace="pay", annotations={depends_on: "bank"}),
        _service("cards", namespace="pay", selector={"app.kubernetes.io/name": "cards"}),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "bank", "namespace": "pay"},
            "spec": {"type": "ExternalName", "externalName": "api.bank.example"},
        },
    ]


def service_account(name: str) -> list[dict[str, Any]]:
    """An account with exactly the permissions that discovery needs."""
    role = f"{name}-discovery"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": READ_RESOURCES},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        },
    ]


def _workload(
    name: str,
    *,
    kind: str = "Deployment",
    namespace: str = "shop",
    name_label: str | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    pod = {"app": name, "app.kubernetes.io/name": name_label or name}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": pod},
            "spec": {"containers": [{"name": "main", "image": "example/image:1"}]},
        },
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels or {},
            "annotations": annotations or {},
        },
        "spec": spec,
    }


def _service(
    name: str, *, namespace: str = "shop", selector: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector or {"app": name}, "ports": [{"port": 80}], **spec},
    }
