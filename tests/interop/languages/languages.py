# How a peer or a reader of values is started in each language: shared by peers_test.py and values_test.py.
import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent
JARS = ["/usr/share/java/jeromq.jar", "/usr/share/java/msgpack-core.jar"]
CURVE_JAR = "/usr/share/java/jnacl.jar"  # which JeroMQ needs from 0.4 on
GO_PACKAGES = "/usr/share/gocode"
# language: what starts its files, their ending, the program that has to be there, its Debian package
LANGUAGES = {"go": (["env", "GO111MODULE=off", f"GOPATH={GO_PACKAGES}", "go", "run"], ".go", "go", "golang-go"),
             "java": (["java", "-XX:TieredStopAtLevel=1", "-cp"], ".java", "javac", "default-jdk-headless"),
             "javascript": (["node"], ".mjs", "node", "nodejs"),
             "lua": (["lua5.3"], ".lua", "lua5.3", "lua5.3"),
             "perl": (["perl"], ".pl", "perl", "perl"),
             "php": (["php"], ".php", "php", "php-cli"),
             "python": (["/usr/bin/python3", "-B"], ".py", "/usr/bin/python3", "python3"),
             "ruby": (["ruby"], ".rb", "ruby", "ruby")}
# What compiled languages need beside that; a script says by itself what it does not find.
LIBRARIES = {("values", "go"): ([f"{GO_PACKAGES}/src/github.com/vmihailenco/msgpack/v5"],
                                "golang-github-vmihailenco-msgpack.v5-dev"),
             ("peer", "java"): (JARS, "libjeromq-java libmsgpack-java"),
             ("values", "java"): (JARS[1:], "libmsgpack-java")}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def command(name, language, program):
    """What starts `name` ("peer", "values"); modules of npm are looked for in $BATON_NPM, or beside the program."""
    start, ending, needed, package = LANGUAGES[language]
    os.environ.setdefault("BATON_NPM", str(pathlib.Path(program).resolve().parent / "npm"))
    if not shutil.which(needed):
        skip(f"no {needed}; apt-get install {package}")
    files, packages = LIBRARIES.get((name, language), ([], ""))
    for file in files:
        if not os.path.exists(file):
            skip(f"no {file}; apt-get install {packages}")
    if language == "java":
        return [*start, *compiled(name.capitalize())]
    return [*start, str(FOLDER / (name + ending))]


def compiled(name):
    """The class path with the class, compiled once, and its name."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    subprocess.run(["javac", "-nowarn", "-d", folder, "-cp", ":".join(JARS), str(FOLDER / f"{name}.java")],
                   check=True, stderr=subprocess.DEVNULL)
    return ":".join([folder, *JARS, CURVE_JAR]), name
