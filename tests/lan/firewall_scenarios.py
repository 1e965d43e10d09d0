"""The rules of GUIDE.md, *Behind a firewall*: they are what a default firewall lacks, no more and no less."""
import os
import re
import shutil
import subprocess
import time

from harness import Failure, Skipped, check_exchange, expect, meet, on
from names_scenarios import key_file

GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "GUIDE.md")
CLOSED = """table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state { established, related } accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
    }
}
"""


def example():
    """The words of `baton run`, the rules of nft, and the ports of firewalld, as the document has them."""
    with open(GUIDE, encoding="utf-8") as file:
        text = file.read()
    words = re.search(r"^    baton run (--port \d+ --publish-port \d+ --beacon-port \d+) …$", text, re.M)
    rules = re.findall(r"^    nft (add rule inet filter input (tcp|udp) dport (.*) accept)$", text, re.M)
    firewalld = re.search(r"^    firewall-cmd .*--add-port.*$", text, re.M)
    if not (words and rules and firewalld):
        raise Failure("GUIDE.md has no example for firewalld and nftables any more")
    return words.group(1).split(), rules, re.findall(r"--add-port=(\S+)/(tcp|udp)", firewalld.group(0))


def ports_of(text):
    """All of "5700-5701", or of "'{ 5671, 5700 }'"."""
    found = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def all_ports(pairs):
    return {(protocol, port) for protocol, text in pairs for port in ports_of(text)}


def nft(net, name, text):
    done = subprocess.run(["ip", "netns", "exec", net.host(name), "nft", "-f", "-"], input=text, capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise Failure(f"nft: {done.stderr.strip()}")


@on(names="ab", ipv6=False, waits=True)
def rules_of_the_guide(net):
    """Two hosts let in what answers, and nothing else. In a mesh with a key two nodes there join by their beacons with the
    rules of the document, and neither without them nor with those of one protocol alone."""
    if not shutil.which("nft"):
        raise Skipped("the command `nft` is missing (package nftables)")
    words, rules, firewalld = example()
    expect("the ports of firewalld and nftables", all_ports((protocol, ports) for ports, protocol in firewalld),
           all_ports((protocol, ports) for _, protocol, ports in rules))

    def let_in(those):
        for name in net.names:
            nft(net, name, "\n".join([f"table inet filter\ndelete table inet filter\n{CLOSED}", *those]))
    of_protocol = {protocol: [rule.replace("'", "") for rule, each, _ in rules if each == protocol] for protocol in ("tcp", "udp")}
    try:
        let_in([])
    except Failure as failure:
        raise Skipped(f"nftables do not work here: {failure}") from failure
    net.allow("suspect", "crashed", "restarted", of="ab")
    with key_file() as path:
        def started():
            nodes = [net.node(name, *words, "--key-file", path) for name in net.names]
            for node in nodes:
                node.event("started")
            return nodes
        for some in ([], of_protocol["tcp"], of_protocol["udp"]):
            let_in(some)
            nodes = started()
            time.sleep(3)
            for node in nodes:
                expect(f"who is up with {some}", node.ask("stats")["members_up"], 0)
                node.process.kill()
                node.process.wait()
        let_in(of_protocol["tcp"] + of_protocol["udp"])
        nodes = started()
        meet(nodes)
        check_exchange(nodes)


SCENARIOS = [rules_of_the_guide]
