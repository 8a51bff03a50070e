#!/usr/bin/env python3
"""Checks the dependency graph: licences, sources, direction, and what pure crates and the whole graph must not hold.

Reads `cargo metadata` and hil-tests/browser/package-lock.json, changes nothing, prints one line a finding and exits 1 when
there is any. A new workspace member must be given a layer here.
"""

import json
import pathlib
import re
import subprocess
import sys

# The graph is looked at as it is built for these.
PLATFORMS = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"]
# Licences that a store's appliance may carry. Everything here allows linking into a closed or an open product.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib",
}
# Test tools run beside the product and are never part of it.
ALLOWED_TOOLS = ALLOWED | {"MPL-2.0"}
# Weak copyleft, crate by crate, each with its reason.
EXCEPTIONS = {
    "serialport": "MPL-2.0",  # copyleft by file; used as published, linked by tokio-serial, and nothing else does the job
}

# A crate may depend on lower layers only.
LAYERS = {
    "sans-io": 0,
    "shop-model": 1, "device-wire": 1,
    "store-sync": 2, "gsm-modem": 2, "store-voice": 2, "store-paper": 2, "till-link": 2, "counter-unit": 2,
    "store-daemon": 3, "store-sip": 3, "store-sound": 3, "till-devices": 3,
    "store-gateway": 4, "store-hq": 4, "pos-bridge": 4,
    "hil-tests": 5,
}
PURE = {
    "sans-io", "shop-model", "device-wire", "store-sync", "gsm-modem", "store-voice", "store-paper", "till-link", "till-devices",
    "counter-unit",
}
# No clock, no randomness, no files, no sockets, no async.
IMPURE = {
    "async-io", "async-std", "axum", "cpal", "fastrand", "getrandom", "hyper", "mio", "nix", "r2d2", "rand", "reqwest",
    "ring", "rumqttc", "rusqlite", "rustls", "serialport", "smol", "socket2", "tempfile", "tokio", "tokio-serial",
    "tracing-subscriber", "ureq",
}
# Digests and signature checks are functions of their arguments, though the crate that computes them could do more.
PURE_WITH = {"store-sync": {"ring"}}
# One crypto provider, one MQTT client, one SQLite.
BANNED = {"aws-lc-rs", "aws-lc-sys", "native-tls", "openssl-sys", "paho-mqtt", "sqlx"}


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    for platform in PLATFORMS:
        command += ["--filter-platform", platform]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def terms(expression):
    """Splits an SPDX expression into words; "/" is the old form of OR."""
    return re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))


def allowed(expression, licences):
    """Says whether an SPDX expression can be satisfied from `licences`."""
    words = terms(expression)

    def any_of():
        good = all_of()
        while words and words[0] == "OR":
            words.pop(0)
            good = all_of() or good
        return good

    def all_of():
        good = one()
        while words and words[0] == "AND":
            words.pop(0)
            good = one() and good
        return good

    def one():
        word = words.pop(0)
        if word == "(":
            good = any_of()
            words.pop(0)
            return good
        if words and words[0] == "WITH":
            words.pop(0)
            word = f"{word} WITH {words.pop(0)}"
            return word in licences or word.split(" ")[0] in licences
        return word in licences

    return any_of()


def licence_findings(packages):
    for package in packages:
        name, licence = package["name"], package["license"]
        if licence is None:
            yield f"{name} {package['version']} names no licence"
        elif not allowed(licence, ALLOWED) and EXCEPTIONS.get(name) != licence:
            yield f"{name} {package['version']} has the licence {licence}, which is not on the list"
        source = package["source"]
        if source and not source.startswith("registry+https://github.com/rust-lang/crates.io-index"):
            yield f"{name} comes from {source}, not from crates.io"
        if name in BANNED:
            yield f"{name} must not be in the graph"
    for name in EXCEPTIONS.keys() - {package["name"] for package in packages}:
        yield f"the licence exception for {name} is not needed any more"


def tool_findings():
    lock = pathlib.Path("hil-tests/browser/package-lock.json")
    for path, package in json.loads(lock.read_text())["packages"].items():
        licence = package.get("license", "none")
        if not allowed(licence, ALLOWED_TOOLS):
            yield f"{lock}: {path or 'itself'} has the licence {licence}, which is not on the list"
        if "resolved" in package:
            yield f"{lock}: {path} names the machine that it was fetched from"


def direction_findings(members):
    for package in members:
        name = package["name"]
        if name not in LAYERS:
            yield f"{name} has no layer in .ci/graph.py"
            continue
        for dependency in package["dependencies"]:
            other = dependency["name"]
            if other in LAYERS and LAYERS[other] >= LAYERS[name]:
                yield f"{name} (layer {LAYERS[name]}) must not depend on {other} (layer {LAYERS[other]})"


def reach(start, nodes, without):
    """Every package that `start` needs in a build, but for tests and build scripts, and for what only `without` bring."""
    seen, todo = set(without), [start]
    while todo:
        for dep in nodes[todo.pop()]["deps"]:
            if dep["pkg"] in seen or not any(kind["kind"] is None for kind in dep["dep_kinds"]):
                continue
            seen.add(dep["pkg"])
            todo.append(dep["pkg"])
    return seen - set(without)


def purity_findings(members, packages, nodes):
    names = {package["id"]: package["name"] for package in packages}
    macros = {p["id"] for p in packages if any("proc-macro" in target["kind"] for target in p["targets"])}
    for package in members:
        if package["name"] not in PURE:
            continue
        without = macros | {id for id, name in names.items() if name in PURE_WITH.get(package["name"], set())}
        for found in sorted({names[id] for id in reach(package["id"], nodes, without)} & IMPURE):
            yield f"{package['name']} is pure and must not reach {found}"


def main():
    graph = metadata()
    packages = graph["packages"]
    inside = set(graph["workspace_members"])
    members = [package for package in packages if package["id"] in inside]
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    findings = [
        *licence_findings(packages),
        *tool_findings(),
        *direction_findings(members),
        *purity_findings(members, packages, nodes),
    ]
    for finding in findings:
        print(f"graph: {finding}")
    print(f"graph: {len(packages)} packages, {len(members)} of them ours, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
