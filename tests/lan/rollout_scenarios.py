"""A rolling update in Kubernetes, played with what a cluster has of it: pods with an address each, a headless service whose
name has the addresses of the living pods, probes from outside the pod, start-first replacement and SIGTERM. The options of
the pods are those of examples/operations/kubernetes/deployment.yaml."""
import pathlib
import subprocess
import sys

from harness import Failure, Skipped, agree, eventually, expect, on
from names_scenarios import Names

MANIFEST = pathlib.Path(__file__).resolve().parents[2] / "examples/operations/kubernetes/deployment.yaml"
PROBE = """
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).status)
except urllib.error.HTTPError as refused:
    print(refused.code)
except OSError:
    print(0)
"""


class Cluster:
    """What the API server, the kubelet and the cluster's DNS do, for one Deployment; the last host is theirs."""

    def __init__(self, net):
        try:
            import yaml
        except ImportError:
            raise Skipped("python3-yaml is missing") from None
        self.net, self.names, self.free = net, Names(net), list(net.names[:-1])
        self.deployment = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["spec"]
        pod = self.deployment["template"]["spec"]
        self.grace = pod["terminationGracePeriodSeconds"]
        self.container = pod["containers"][0]
        self.pods, self.kills = [], 0

    def publish(self):
        """Not ready pods, too: publishNotReadyAddresses."""
        self.names.say({"baton.default.svc.cluster.local": [self.net.address(pod.name) for pod in self.pods]})

    def start(self):
        name = self.free.pop(0)
        words = [word.replace("$(POD_NAMESPACE)", "default") for word in self.container["args"][1:]
                 if word != "--no-input" and not word.startswith("--name")]
        pod = self.net.node(name, "--dns-server", self.names.address, *words)
        self.pods.append(pod)
        self.publish()
        return pod

    def probe(self, pod, which):
        """The status, as the kubelet sees it: from outside, at the pod's address."""
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        get = self.container[which]["httpGet"]
        url = f"http://{self.net.address(pod.name)}:{ports[get['port']]}{get['path']}"
        done = subprocess.run(["ip", "netns", "exec", self.net.host(self.net.names[-1]), sys.executable, "-c", PROBE, url],
                              capture_output=True, text=True, check=True)
        return int(done.stdout)

    def wait_ready(self, pod):
        eventually(f"{pod.name} is ready", lambda: self.probe(pod, "readinessProbe") == 200)

    def stop(self, pod):
        """As the kubelet does: SIGTERM, and SIGKILL when the grace period is over. The address goes at once."""
        self.pods.remove(pod)
        self.publish()
        self.net.allow("leaving", "left", of=pod.name)
        try:
            return pod.leave()
        except (Failure, subprocess.TimeoutExpired) as late:
            raise Failure(f"{pod.name} was not gone in its grace period of {self.grace} s: {late}") from None


@on(names="abcdefn", ipv6=False, seconds=120)
def rolling_update(net):
    """Three pods are replaced one by one while all of them write; nothing is lost, and three are ready at any time."""
    cluster = Cluster(net)
    first = cluster.start()
    cluster.wait_ready(first)  # alone: its own address is all that the name has
    for _ in range(cluster.deployment["replicas"] - 1):
        cluster.wait_ready(cluster.start())
    first.ask("load 2000 100")
    written = 2000
    for round_number in range(cluster.deployment["replicas"]):
        old = cluster.pods[0]
        new = cluster.start()
        expect("liveness while it syncs", cluster.probe(new, "livenessProbe") in (0, 200), True)
        for pod in cluster.pods[:-1]:
            expect("copies", pod.ask(f"stash round-{round_number}-{pod.name} x copies=2 within=10s")["met"], True)
            written += 1
        cluster.wait_ready(new)
        expect("keys of a ready pod", len(new.ask("keys")["keys"]), written)
        report, status = cluster.stop(old)
        expect("outcome", (report["outcome"], status), ("safe", 0))
        for pod in cluster.pods:
            expect("still ready", cluster.probe(pod, "readinessProbe"), 200)
    expect("keys in the end", agree(cluster.pods)["keys"], written)


@on(waits=True, names="abn", ipv6=False, seconds=60)
def not_ready_without_the_state(net):
    """A pod that finds a name but reaches nobody there never becomes ready; the one that holds the state stays ready. Without
    this an update would replace all pods by empty ones."""
    cluster = Cluster(net)
    a = cluster.start()
    cluster.wait_ready(a)
    a.ask("load 100 100")
    net.firewall("b", "-A", "INPUT", "-s", net.address("a"), "-j", "DROP")
    net.firewall("b", "-A", "OUTPUT", "-d", net.address("a"), "-j", "DROP")
    b = cluster.start()
    eventually("b answers probes", lambda: cluster.probe(b, "livenessProbe") == 200)
    for _ in range(8):  # longer than alone_after
        expect("b is not ready", cluster.probe(b, "readinessProbe"), 503)
        b.read(1.0)
    expect("a is still ready", cluster.probe(a, "readinessProbe"), 200)
    net.firewall("b", "-F")
    cluster.wait_ready(b)
    expect("keys", len(b.ask("keys")["keys"]), 100)


SCENARIOS = [rolling_update, not_ready_without_the_state]
