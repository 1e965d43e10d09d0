#!/usr/bin/env python3
"""Proves that /metrics is OpenMetrics by the strict parser of the Prometheus client (and by promtool, where it is
installed), that its families keep the rules of names, and that the dashboard and the alert rules name only what exists.

metrics_test.py [CASE…]; the program is $BATON_PROGRAM.
"""
import json
import pathlib
import re
import shutil
import subprocess
import unittest

from program import Node, http, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "examples/operations"
MEMBERS = {"baton_member_up", "baton_member_lag_events", "baton_member_lag_seconds", "baton_member_round_trip_seconds"}


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Two members that are up, one that has left, waits for copies, and a second member of the same name."""
        cls.alder = Node("--name", 'al"der\\', "--founding")
        seeds = [cls.alder.endpoint]
        cls.others = [Node("--name", name, seeds=seeds, http=None) for name in ("birch", "birch")]
        gone = Node("--name", "cedar", seeds=seeds, http=None)
        wait_until(lambda: cls.alder.ask("stats")["members_up"] == 3, "three members")
        for number in range(5):
            cls.alder.ask(f"stash key-{number} value copies=2 within=10s")
        cls.alder.ask("stash secret-key v")
        cls.alder.ask("claim secret-key")
        gone.end("leave")
        wait_until(lambda: cls.alder.ask("stats")["members_up"] == 2, "one has left")
        cls.reply = http(cls.alder.port, "/metrics")
        cls.text = cls.reply.text

    @classmethod
    def tearDownClass(cls):
        for node in (*cls.others, cls.alder):
            node.end()

    def families(self):
        try:
            from prometheus_client.openmetrics.parser import text_string_to_metric_families
        except ImportError:
            self.skipTest("python3-prometheus-client is not installed")
        return {family.name: family for family in text_string_to_metric_families(self.text)}

    def test_content_type(self):
        self.assertEqual(self.reply.headers["content-type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertTrue(self.text.endswith("# EOF\n"))

    def test_each_family_has_one_head_and_its_samples_follow(self):
        seen, current = set(), None
        for line in self.text.splitlines()[:-1]:
            if line.startswith("# "):
                _, kind, name, *_ = line.split(" ")
                if kind == "HELP":
                    self.assertNotIn(name, seen)
                    seen.add(name)
                    current = name
                self.assertEqual(name, current, line)
            else:
                name = re.match(r"\w+", line)[0]
                self.assertIn(name.removeprefix(current), ("", "_total", "_bucket", "_count", "_sum"), line)

    def test_strict_parser_and_names(self):
        for name, family in self.families().items():
            self.assertTrue(name.startswith("baton_"), name)
            self.assertTrue(family.documentation, name)
            if family.unit:
                self.assertTrue(name.endswith("_" + family.unit), name)
            if re.search(r"_(bytes|seconds)$", name):
                self.assertTrue(family.unit, name)
            for sample in family.samples:
                if family.type == "counter":
                    self.assertEqual(sample.name, name + "_total")
                labels = set(sample.labels) - {"node"}
                allowed = {"member"} if name in MEMBERS else {"reason"} if name == "baton_refused" else \
                    {"le"} if family.type == "histogram" else set()
                self.assertLessEqual(labels, allowed, sample)
                self.assertEqual(sample.labels["node"], 'al"der\\')

    def test_histograms_count_what_happened(self):
        families = self.families()
        for name, least in (("baton_acknowledgement_seconds", 5), ("baton_leave_seconds", 1)):
            samples = families[name].samples
            buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(len(buckets), 17)
            count = next(sample.value for sample in samples if sample.name.endswith("_count"))
            self.assertGreaterEqual(count, least)
            self.assertEqual(buckets[-1], count)
            total = next(sample.value for sample in samples if sample.name.endswith("_sum"))
            self.assertTrue(0 < total < 60 * count)

    def test_only_present_names_and_each_once(self):
        for family in MEMBERS:
            names = re.findall(family + r'\{node="[^}]*",member="([^"]*)"\}', self.text)
            self.assertEqual(names, ["birch"], family)
        self.assertNotIn("secret-key", self.text)

    def test_promtool(self):
        tool = shutil.which("promtool")
        if not tool:
            self.skipTest("promtool is not installed (package prometheus)")
        # It reads the older format: the units and the end are comments to it. Only errors count, not advice.
        text = re.sub(r"^# (UNIT .*|EOF)\n", "", self.text, flags=re.MULTILINE)
        text = re.sub(r"^# (HELP|TYPE) (\w+)(?= .*\n)", lambda m: m[0], text, flags=re.MULTILINE)
        checked = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertIn(checked.returncode, (0, 3), checked.stderr)
        self.assertNotIn("error while linting", checked.stderr)
        rules = subprocess.run([tool, "check", "rules", OPERATIONS / "alerts.yaml"], capture_output=True, text=True, check=False)
        self.assertEqual(rules.returncode, 0, rules.stderr)

    def test_dashboard_and_rules_name_what_exists(self):
        samples = {re.match(r"\w+", line)[0] for line in self.text.splitlines() if not line.startswith("#")}
        samples |= {line.split(" ")[2] for line in self.text.splitlines() if line.startswith("# TYPE")}
        samples.add("baton_refused_total")  # has a line once something has been refused
        dashboard = json.loads((OPERATIONS / "grafana-dashboard.json").read_text(encoding="utf-8"))
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        expressions += [variable["query"]["query"] for variable in dashboard["templating"]["list"]
                        if variable["type"] == "query"]
        rules = (OPERATIONS / "alerts.yaml").read_text(encoding="utf-8")
        expressions += re.findall(r"expr: (.*)", rules)
        self.assertGreater(len(expressions), 20)
        for expression in expressions:
            named = set(re.findall(r"\bbaton_\w+", expression))
            self.assertTrue(named, expression)
            self.assertLessEqual(named, samples, expression)

    def test_rules_have_the_shape_that_prometheus_wants(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        rules = yaml.safe_load((OPERATIONS / "alerts.yaml").read_text(encoding="utf-8"))
        names = []
        for group in rules["groups"]:
            self.assertLessEqual(set(group), {"name", "interval", "rules"})
            for rule in group["rules"]:
                self.assertLessEqual(set(rule), {"alert", "expr", "for", "labels", "annotations"})
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                self.assertTrue(rule["annotations"]["summary"])
                self.assertTrue(rule["annotations"]["description"])
                names.append(rule["alert"])
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
