#!/usr/bin/env python3
"""Opens the page of a mesh in a real browser: what it shows, without a mouse, dark and light, on a phone, and that names
with markup stay text. Skipped where chromium or its driver is missing.

page_test.py [CASE…]; the program is $BATON_PROGRAM. With BATON_PICTURES=FOLDER it leaves pictures there.
"""
import os
import pathlib
import signal
import sys
import tempfile
import unittest

from browser import Browser, is_missing
from program import Node

TAB, ENTER, RIGHT = "\ue004", "\ue007", "\ue014"
PICTURES = os.environ.get("BATON_PICTURES")
NAMES = ("birch", "cedar", "elm", "fir", "hazel")
MEMBERS = "document.querySelectorAll('#members tbody tr').length"


def mesh(alder, names=NAMES):
    return [Node("--name", name, seeds=[alder.endpoint], http=None) for name in names]


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.alder = Node("--name", "alder", "--founding")
        cls.others = mesh(cls.alder)
        cls.alder.ask("load 5000 200 game/")
        cls.others[0].ask("stash game/table-7 x")
        cls.others[0].ask("claim game/table-7")
        cls.alder.ask("stash game/table-9 x")
        cls.alder.ask("claim game/table-9")

    @classmethod
    def tearDownClass(cls):
        for node in (*cls.others, cls.alder):
            node.end()

    def open(self, **how):
        browser = Browser(**how)
        self.addCleanup(browser.close)
        browser.go(self.alder.url)
        browser.wait_for(f"{MEMBERS} == {len(NAMES)}", "all members in the table")
        browser.wait_for("document.querySelectorAll('#claims code').length == 2", "the claims")
        return browser

    def picture(self, browser, name):
        if PICTURES:
            browser.picture(pathlib.Path(PICTURES, name + ".png"))

    def test_what_it_shows(self):
        browser = self.open()
        self.assertEqual(browser.run("return document.getElementById('name').textContent"), "alder")
        self.assertEqual(browser.run("return document.getElementById('ready').textContent"), "ready")
        browser.wait_for("document.getElementById('line').textContent == 'live'", "the stream")
        labels = browser.run("return Array.from(document.querySelectorAll('#mesh g[role=button] text'), each => each.textContent)")
        self.assertEqual(labels, ["alder", *NAMES])
        # Who hears whom: this node and each member, and the members each other.
        browser.wait_for("document.querySelector('#mesh path.own').getAttribute('d').split('M').length == 6", "own links")
        browser.wait_for("document.querySelector('#mesh path.both').getAttribute('d').split('M').length == 11", "others' links")
        self.assertEqual(browser.run("return document.querySelector('#mesh path.none').getAttribute('d')"), "")
        self.assertEqual(browser.run("return Array.from(document.querySelectorAll('#claims small'), each => each.textContent)"),
                         ["owned by " + name for name in self.owners(browser)])
        # It is live: a write shows without a reload.
        self.alder.ask("stash one more")
        browser.wait_for("document.querySelector('#numbers div:nth-child(2) dd').textContent == '5003'", "the new key")
        if PICTURES:  # with something to see
            self.others[2].process.send_signal(signal.SIGSTOP)
            browser.wait_for("document.querySelectorAll('#mesh g.suspect').length == 1", "a suspect")
            browser.run("document.querySelector('#mesh g.suspect').dispatchEvent(new Event('focus'))")
            self.picture(browser, "light")
            self.others[2].process.send_signal(signal.SIGCONT)
        self.assertEqual(browser.complaints(), [])
        # Nothing came from elsewhere.
        urls = browser.run("return performance.getEntriesByType('resource').map(each => each.name)")
        self.assertTrue(urls)
        for url in urls:
            self.assertTrue(url.startswith(self.alder.url), url)

    @staticmethod
    def owners(browser):
        keys = browser.run("return Array.from(document.querySelectorAll('#claims code'), each => each.textContent)")
        return [{"game/table-7": "birch", "game/table-9": "alder (this node)"}[key] for key in keys]

    def test_without_a_mouse(self):
        """The keyboard reaches every member, and what it says of the member."""
        browser = self.open()
        browser.run("document.querySelector('#mesh g[role=button]').focus()")
        self.assertIn("alder: this node", browser.run("return document.getElementById('chosen').textContent"))
        browser.press(RIGHT)
        text = browser.wait_for("document.getElementById('chosen').textContent.startsWith('birch') "
                                "&& document.getElementById('chosen').textContent", "the next member")
        self.assertIn("up", text)
        focus = "document.activeElement.getAttribute('aria-label')"
        before = browser.run("return " + focus)
        self.alder.ask("stash again more")
        browser.wait_for("document.querySelector('#numbers div:nth-child(2) dd').textContent >= '5003'", "an update")
        self.assertEqual(browser.run("return " + focus).split(":")[0], before.split(":")[0])  # the focus has stayed
        seen = set()
        for _ in range(20):
            browser.press(TAB)
            seen.add(str(browser.run("return document.activeElement.id || document.activeElement.getAttribute('class')")))
        self.assertIn("events", seen)
        self.assertIn("scroll", seen)

    def test_dark(self):
        colours = []
        for dark in (False, True):
            browser = self.open(dark=dark)
            colours.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
            if dark:
                self.picture(browser, "dark")
        self.assertNotEqual(*colours)

    def test_on_a_phone(self):
        browser = self.open(width=390, height=844)
        self.assertEqual(browser.run("return document.documentElement.clientWidth"), 390)
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390)  # nothing sticks out
        self.picture(browser, "phone")


class Changing(unittest.TestCase):
    def test_what_happens_shows(self):
        """A sync with its progress, a handoff, a crash; then the node itself is gone, and the page says so."""
        with Node("--name", "alder", "--founding") as alder, Browser() as browser:
            alder.ask("load 1000 100")
            browser.go(alder.url)
            browser.wait_for("document.getElementById('line').textContent == 'live'", "the stream")
            birch, cedar = mesh(alder, ("birch", "cedar"))
            browser.wait_for(f"{MEMBERS} == 2", "two members")
            birch.end("leave")
            browser.wait_for("document.getElementById('events').textContent.includes('left')", "birch has left")
            browser.wait_for("document.querySelectorAll('#mesh g[role=button]').length == 2", "it is not drawn any more")
            cedar.process.kill()
            browser.wait_for("document.querySelectorAll('#mesh g.suspect, #mesh g.crashed').length == 1", "cedar's end")
            cedar.end()
            alder.tell("leave 6s")  # nobody takes it over: that takes its time
            browser.wait_for("document.getElementById('flow').textContent.includes('This node hands over')", "its handoff")
            browser.wait_for("document.getElementById('ready').textContent == 'leaving'", "it leaves")
            browser.wait_for("document.getElementById('line').className == 'lost'", "it is gone")

    def test_names_are_text(self):
        evil = "<img src=x onerror=document.title=1>"
        with Node("--name", "alder", "--founding") as alder, Browser() as browser:
            with Node("--name", evil, seeds=[alder.endpoint], http=None) as other:
                other.ask('stash "<script>document.title=2</script>" v')
                other.ask('claim "<script>document.title=2</script>"')
                browser.go(alder.url)
                browser.wait_for("document.querySelectorAll('#claims code').length == 1", "the claim")
                browser.wait_for(f"{MEMBERS} == 1", "the member")
                self.assertEqual(browser.run("return document.querySelector('#claims code').textContent"),
                                 "<script>document.title=2</script>")
                self.assertEqual(browser.run("return document.querySelector('#members td').textContent"), evil)
                self.assertEqual(browser.run("return document.querySelectorAll('main img, main script').length"), 0)
                self.assertEqual(browser.run("return document.title"), "baton · alder")

    def test_token(self):
        with tempfile.TemporaryDirectory() as folder:
            key, token = pathlib.Path(folder, "key"), pathlib.Path(folder, "token")
            key.write_text("ab" * 32 + "\n", encoding="ascii")
            token.write_text("secret-of-the-operators\n", encoding="ascii")
            key.chmod(0o600)
            token.chmod(0o600)
            with Node("--name", "alder", "--founding", "--key-file", str(key), "--http-token-file", str(token)) as alder, \
                    Browser() as browser:
                alder.ask("stash hidden v")
                alder.ask("claim hidden")
                browser.go(alder.url)
                browser.wait_for("!document.getElementById('token-form').hidden", "the question")
                self.assertNotIn("hidden", browser.run("return document.getElementById('claims').textContent"))
                for text, shown in (("wrong-token-of-nobody", "document.getElementById('token-fault').textContent"),
                                    ("secret-of-the-operators", "document.querySelectorAll('#claims code').length == 1")):
                    browser.run("document.getElementById('token').focus()")
                    browser.press(*text, ENTER)
                    browser.wait_for(shown, "what the token does")
                self.assertEqual(browser.run("return document.querySelector('#claims code').textContent"), "hidden")


if __name__ == "__main__":
    if is_missing():
        print("skipped: not installed: " + ", ".join(is_missing()))
        sys.exit(77)
    unittest.main()
