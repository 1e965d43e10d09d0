#!/usr/bin/env python3
"""Compares this build's benchmark with that of another checkout: `./dev bench --against DIR [NAME…]`.

The two programs take turns, one round each, so that what disturbs the machine disturbs both. The table has the median of
each, the median of the ratios taken round by round, and the least and the largest ratio. A row that either side lacks
or could not measure says so.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile


def measure(program, names, folder):
    """The rows of one round: name -> (figure, unit)."""
    out = os.path.join(folder, 'rows.json')
    subprocess.run([program, '--rounds', '1', '--json', out, *names], stdout=subprocess.DEVNULL, check=False)
    with open(out, encoding='utf-8') as rows:
        return {row['name']: (row['ours'], row['unit']) for row in json.load(rows) if row.get('ours') is not None}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', help='rows to measure, as baton_bench takes them')
    parser.add_argument('ours', help='baton_bench of this checkout')
    parser.add_argument('theirs', help='baton_bench of the other checkout')
    parser.add_argument('--rounds', type=int, default=5, help='rounds of (ours, theirs); default 5')
    parser.add_argument('--load-max', type=float, default=0.5, help='refuse above this one-minute load; default 0.5')
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    if load > arguments.load_max:
        sys.exit(f'against: the load is {load:.2f}, above {arguments.load_max}: no figure on a busy machine')

    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            sides = [arguments.ours, arguments.theirs]
            if number % 2:  # who goes first takes turns as well
                measured = [measure(program, arguments.names, folder) for program in reversed(sides)]
                measured.reverse()
            else:
                measured = [measure(program, arguments.names, folder) for program in sides]
            rounds.append(measured)
            print(f'round {number + 1} of {arguments.rounds}', file=sys.stderr)

    print(f"{'row':28} {'ours':>14} {'theirs':>14} {'ratio':>7} {'least':>7} {'largest':>8}  unit")
    for name in dict.fromkeys(name for both in rounds for side in both for name in side):
        pairs = [(ours[name][0], theirs[name][0]) for ours, theirs in rounds if name in ours and name in theirs]
        unit = next(side[name][1] for both in rounds for side in both if name in side)
        if not pairs:
            print(f'{name:28} not measured on both sides')
            continue
        ratios = [ours / theirs for ours, theirs in pairs if theirs]
        ours, theirs = (statistics.median(column) for column in zip(*pairs))
        spread = f'{statistics.median(ratios):7.3f} {min(ratios):7.3f} {max(ratios):8.3f}' if ratios else f"{'-':>7} {'-':>7} {'-':>8}"
        print(f'{name:28} {ours:14.4g} {theirs:14.4g} {spread}  {unit}')


if __name__ == '__main__':
    main()
