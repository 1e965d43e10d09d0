#!/usr/bin/env python3
"""Checks the files in examples/operations without a cluster and without Docker: the Kubernetes manifests against the API's
own models (Debian's python3-kubernetes, API 1.22), strictly: an unknown or missing field is an error; what they say of one
another; the Dockerfile's files, packages and libraries; the compose file.

manifests_test.py [CASE…]; the program is $BATON_PROGRAM.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "examples/operations"
PROGRAM = os.environ.get("BATON_PROGRAM", "baton")
LEAVE_SECONDS = 25  # options::leave_within


def manifests():
    for path in sorted((OPERATIONS / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, document


def kind(wanted):
    return [document for _, document in manifests() if document["kind"] == wanted]


def workloads():
    return kind("Deployment") + kind("StatefulSet")


class Schema(unittest.TestCase):
    def test_manifests_are_what_the_api_takes(self):
        try:
            from kubernetes.client import models
        except ImportError:
            self.skipTest("python3-kubernetes is not installed")
        self.models = models
        count = 0
        for name, document in manifests():
            group, _, version = document["apiVersion"].rpartition("/")
            self.assertIn((group, version), {("", "v1"), ("apps", "v1"), ("policy", "v1")})
            self.check(f"{name} {document['kind']}", document, version.capitalize() + document["kind"])
            count += 1
        self.assertEqual(count, 4)

    def test_the_check_finds_faults(self):
        try:
            from kubernetes.client import models
        except ImportError:
            self.skipTest("python3-kubernetes is not installed")
        self.models = models
        good = kind("Service")[0]
        for fault in ({**good, "specs": {}}, {**good, "spec": {**good["spec"], "ports": [{"name": "x"}]}},
                      {**good, "spec": {**good["spec"], "publishNotReadyAddresses": "yes"}}):
            with self.assertRaises(AssertionError):
                self.check("fault", fault, "V1Service")

    def check(self, where, value, type_name):
        """`value` is of that type of the API's models, every field of it known and of its type, none missing."""
        if found := re.fullmatch(r"list\[(.*)\]", type_name):
            self.assertIsInstance(value, list, where)
            for at, each in enumerate(value):
                self.check(f"{where}[{at}]", each, found[1])
        elif found := re.fullmatch(r"dict\(str, (.*)\)", type_name):
            self.assertIsInstance(value, dict, where)
            for key, each in value.items():
                self.check(f"{where}.{key}", each, found[1])
        elif type_name in ("str", "int", "bool", "float"):
            wanted = {"str": str, "int": int, "bool": bool, "float": (int, float)}[type_name]
            self.assertIsInstance(value, wanted, where)
            self.assertEqual(type_name == "bool", isinstance(value, bool), where)
        elif type_name == "object":  # IntOrString, Quantity: a number or a text
            self.assertIsInstance(value, (str, int), where)
        else:
            model = getattr(self.models, type_name)
            names = {model.attribute_map[name]: name for name in model.openapi_types}
            self.assertIsInstance(value, dict, where)
            self.assertLessEqual(set(value), set(names), f"{where}: unknown fields")
            for key, each in value.items():
                self.check(f"{where}.{key}", each, model.openapi_types[names[key]])
            try:  # it refuses what lacks a required field
                model(**{names[key]: each for key, each in value.items()})
            except ValueError as fault:
                self.fail(f"{where}: {fault}")


class Manifests(unittest.TestCase):
    def test_pods_outlive_their_leave(self):
        for workload in workloads():
            pod = workload["spec"]["template"]["spec"]
            self.assertGreater(pod["terminationGracePeriodSeconds"], LEAVE_SECONDS + 5)

    def test_selectors_and_ports_agree(self):
        service = kind("Service")[0]
        self.assertEqual(service["spec"]["clusterIP"], "None")
        self.assertTrue(service["spec"]["publishNotReadyAddresses"])
        self.assertEqual(kind("StatefulSet")[0]["spec"]["serviceName"], service["metadata"]["name"])
        served = {(port["name"], port["port"], port["protocol"]) for port in service["spec"]["ports"]}
        for workload in workloads():
            labels = workload["spec"]["template"]["metadata"]["labels"]
            for selector in (service["spec"]["selector"], workload["spec"]["selector"]["matchLabels"],
                             kind("PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"]):
                self.assertEqual(selector, labels)
            ports = {(port["name"], port["containerPort"], port["protocol"]) for port in container(workload)["ports"]}
            self.assertEqual(ports, served)
            options = arguments(workload)
            self.assertIn(("mesh", int(options["--port"]), "TCP"), ports)
            self.assertIn(("probes", int(options["--port"]), "UDP"), ports)
            self.assertIn(("publish", int(options["--publish-port"]), "TCP"), ports)
            self.assertIn(("http", int(options["--http"].rsplit(":", 1)[1]), "TCP"), ports)
            self.assertEqual(options["--seed"], f"{service['metadata']['name']}.$(POD_NAMESPACE).svc.cluster.local:5670")

    def test_probes_reach_the_pod(self):
        for workload in workloads():
            self.assertTrue(arguments(workload)["--http"].startswith("0.0.0.0:"))
            one = container(workload)
            for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
                self.assertEqual(one[probe]["httpGet"], {"path": path, "port": "http"})

    def test_the_deployment_starts_first(self):
        strategy = kind("Deployment")[0]["spec"]["strategy"]["rollingUpdate"]
        self.assertEqual((strategy["maxSurge"], strategy["maxUnavailable"]), (1, 0))

    def test_pods_have_no_rights(self):
        for workload in workloads():
            pod = workload["spec"]["template"]["spec"]
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            for one in pod["containers"] + pod.get("initContainers", []):
                self.assertFalse(one["securityContext"]["allowPrivilegeEscalation"])
                self.assertTrue(one["securityContext"]["readOnlyRootFilesystem"])
                self.assertEqual(one["securityContext"]["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", one["resources"]["limits"])
                mounts = {mount["name"] for mount in one.get("volumeMounts", [])}
                volumes = {volume["name"] for volume in pod.get("volumes", [])}
                volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
                self.assertLessEqual(mounts, volumes)

    def test_the_program_has_the_options(self):
        known = options_of_the_program()
        used = [list(arguments(workload)) for workload in workloads()]
        used.append([word.split("=")[0] for word in compose()["services"]["node"]["command"] if word.startswith("--")])
        unit = (OPERATIONS / "systemd/baton@.service").read_text(encoding="utf-8")
        used.append(re.findall(r"--[a-z-]+", " ".join(re.findall(r"ExecStart=.*", unit))))
        for options in used:
            self.assertGreaterEqual(len(options), 3)
            self.assertLessEqual(set(options), known)

    def test_variables_are_set(self):
        for workload in workloads():
            one = container(workload)
            self.assertLessEqual(set(re.findall(r"\$\((\w+)\)", str(one["args"]))), {each["name"] for each in one["env"]})


def container(workload):
    return workload["spec"]["template"]["spec"]["containers"][0]


def arguments(workload):
    """The options of the program, by name."""
    args = container(workload)["args"]
    assert args[0] == "run"
    return dict((word.split("=", 1) + [""])[:2] for word in args[1:])


def options_of_the_program():
    page = subprocess.run([PROGRAM, "run", "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--[a-z0-9-]+", page))


def compose():
    return yaml.safe_load((OPERATIONS / "docker/compose.yaml").read_text(encoding="utf-8"))


class Docker(unittest.TestCase):
    def setUp(self):
        text = (OPERATIONS / "docker/Dockerfile").read_text(encoding="utf-8")
        lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
        self.steps = [line.split(maxsplit=1) for line in lines if line.strip()]
        at = [number for number, (word, _) in enumerate(self.steps) if word == "FROM"]
        self.build, self.final = self.steps[at[0]:at[1]], self.steps[at[1]:]

    @staticmethod
    def packages(steps):
        return {word for instruction, rest in steps if instruction == "RUN"
                for found in re.findall(r"apt-get install(.*?)&&", rest) for word in found.split() if word[0] != "-"}

    def test_instructions_are_known(self):
        known = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
        self.assertLessEqual({word for word, _ in self.steps}, known)
        self.assertEqual(dict(map(tuple, self.final))["ENTRYPOINT"], '["/usr/bin/baton"]')
        self.assertNotEqual(dict(map(tuple, self.final))["USER"].split(":")[0], "0")

    def test_what_is_copied_exists(self):
        copied = [rest.split() for word, rest in self.build if word == "COPY"]
        for *sources, _ in copied:
            for source in sources:
                self.assertTrue((ROOT / source).exists(), source)
        whole = {source for *sources, _ in copied for source in sources}
        for folder in re.findall(r"^add_subdirectory\((\w+)\)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"), re.M):
            self.assertIn(folder, whole)

    def test_packages_exist(self):
        if not shutil.which("apt-cache"):
            self.skipTest("there is no apt here")
        wanted = sorted(self.packages(self.build) | self.packages(self.final))
        self.assertGreater(len(wanted), 10)
        known = subprocess.run(["apt-cache", "show", "--no-all-versions", *wanted], capture_output=True, text=True, check=False)
        found = set(re.findall(r"^Package: (\S+)", known.stdout, re.MULTILINE))
        release = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
        if 'VERSION_CODENAME=bookworm' not in release or not found:
            self.skipTest("this machine does not know Debian 12's packages")
        self.assertEqual(found, set(wanted))

    def test_the_final_image_has_the_libraries(self):
        """Each library that the program is linked to comes with a package of the list, or with those that these need."""
        if not shutil.which("dpkg-query"):
            self.skipTest("there is no dpkg here")
        linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        direct = subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True, check=True).stdout
        needed = re.findall(r"NEEDED.*\[(.*)\]", direct)
        base = {"libc6", "libstdc++6", "libgcc-s1"}  # of every image of Debian that apt has put C++ into
        there = []  # without /usr: dpkg may know them with or without it
        for library in needed:
            path = re.search(rf"{re.escape(library)} => (/\S+)", linked)
            if path:
                there.append(os.path.realpath(path[1]).removeprefix("/usr"))
        names = [prefix + path for path in there for prefix in ("", "/usr")]
        owners = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True, check=False).stdout
        packages = {line.split(":")[0] for line in owners.splitlines()}
        self.assertTrue(packages)
        self.assertLessEqual(packages - base, self.packages(self.final))

    def test_cmake_configures_what_is_copied(self):
        """The command of the Dockerfile, up to the compiler, in a folder that has only what is copied."""
        found = next(found for word, rest in self.build if word == "RUN"
                     for found in re.findall(r"(cmake -S .*?)&&", rest))
        with tempfile.TemporaryDirectory() as folder:
            for *sources, target in (rest.split() for word, rest in self.build if word == "COPY"):
                for source in sources:
                    if (ROOT / source).is_dir():
                        shutil.copytree(ROOT / source, pathlib.Path(folder, target))
                    else:
                        shutil.copy(ROOT / source, pathlib.Path(folder, target))
            command = found.replace("-S .", f"-S {folder}").replace("-B /build", f"-B {folder}/build")
            done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_options_of_cmake_exist(self):
        text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        used = re.findall(r"-D(BATON_\w+)=", " ".join(rest for _, rest in self.build))
        self.assertTrue(used)
        for option in used:
            self.assertIn(f"option({option} ", text)

    def test_compose(self):
        file = compose()
        self.assertEqual(set(file), {"services"})
        node = file["services"]["node"]
        known = {"image", "build", "command", "deploy", "ports", "stop_grace_period", "read_only", "cap_drop", "security_opt",
                 "restart", "healthcheck"}
        self.assertLessEqual(set(node), known)
        context = (OPERATIONS / "docker" / node["build"]["context"]).resolve()
        self.assertEqual(context, ROOT)
        self.assertTrue((context / node["build"]["dockerfile"]).exists())
        self.assertGreater(int(node["stop_grace_period"].removesuffix("s")), LEAVE_SECONDS + 5)
        exposed = dict(map(tuple, self.final))["EXPOSE"].split()
        for option, protocol in (("--port", "tcp"), ("--port", "udp"), ("--publish-port", "tcp")):
            value = next(word.split("=")[1] for word in node["command"] if word.startswith(option + "="))
            self.assertIn(f"{value}/{protocol}", exposed)
        self.assertIn("--seed=node:5670", node["command"])  # the name of the service
        self.assertEqual(node["deploy"]["update_config"]["order"], "start-first")

    def test_the_health_check_asks_the_program(self):
        """The command of the compose file, against a node on another port."""
        from program import Node
        *_, command = compose()["services"]["node"]["healthcheck"]["test"]
        self.assertIn("/9400", command)
        with Node("--alone-after", "1h") as node:
            check = ["bash", "-c", command.replace("/9400", f"/{node.port}")]
            self.assertNotEqual(subprocess.run(check, timeout=30, check=False).returncode, 0)
        with Node("--founding") as node:
            check = ["bash", "-c", command.replace("/9400", f"/{node.port}")]
            self.assertEqual(subprocess.run(check, timeout=30, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
