#!/usr/bin/env bash
# libedit 3.1-20221030-2 of Debian 12. Seen on 2026-11-30.
#
# Behaviour: el_set(EL_ADDFN, name, help, function) copies name and help, and el_end() does not free the copies:
# LeakSanitizer reports them. A program that makes one editor per line leaks with each of them. Without EL_ADDFN el_end()
# frees everything.
#
# `baton run` makes one editor in its life.
#
# Output seen:
#   1 editor, no function added: none
#   1 editor, 1 function added: leaks
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq libedit-dev=3.1-20221030-2 libedit2=3.1-20221030-2 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" root; done
cat >leak.c <<'SOURCE'
#include <histedit.h>
#include <sanitizer/lsan_interface.h>

#include <stdio.h>
#include <string.h>

static unsigned char nothing(EditLine* editor, int key) {
    (void)editor;
    (void)key;
    return CC_NORM;
}

__attribute__((noinline)) static void edit(int adds) {
    EditLine* editor = el_init("leak", stdin, stdout, stderr);
    if (adds) el_set(editor, EL_ADDFN, "nothing", "Does nothing.", nothing);
    el_end(editor);
}

int main(int count, char** words) {
    char wiped[4096];
    (void)words;
    edit(count > 1);
    memset(wiped, 0, sizeof wiped); /* no stale pointer on the stack */
    puts(__lsan_do_recoverable_leak_check() != 0 ? "leaks" : "none");
    return 0;
}
SOURCE
here=root/usr/lib/$(gcc -print-multiarch)
gcc -g -fsanitize=address -Iroot/usr/include leak.c -o leak "$here/libedit.so.2"
run() { TERM=dumb LD_LIBRARY_PATH=$here ASAN_OPTIONS=detect_leaks=1:exitcode=0 ./leak "$@" </dev/null 2>/dev/null; }
without=$(run) with=$(run add)
printf '1 editor, no function added: %s\n1 editor, 1 function added: %s\n' "$without" "$with"
[[ $without == none && $with == leaks ]]
