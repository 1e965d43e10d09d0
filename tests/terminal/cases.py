"""cases: runs the functions of a test file that take nothing and are described by their names."""
import inspect
import sys
import time
import traceback


def run(names, wanted):
    module = names["__name__"]
    all_cases = [each for each in names.values()
                 if inspect.isfunction(each) and each.__module__ == module and not inspect.signature(each).parameters]
    failed = []
    for case in all_cases:
        if wanted and case.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            case()
            print(f"ok    {case.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Exception:  # each case is run, whatever happens to the others
            traceback.print_exc()
            print(f"FAIL  {case.__name__}", flush=True)
            failed.append(case.__name__)
    sys.exit(1 if failed or not all_cases else 0)
