"""Grades a hundred simulated submissions of chapter 00 by the loop of docs/for-instructors.md, and compares each score
with what it should be: hundred.py FOLDER [NUMBER]. It runs in the root of the repository, of which it makes a copy."""
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import time

CHAPTER = "00_baseline"
HEADER = f"chapters/{CHAPTER}/measure.hpp"
root = pathlib.Path.cwd()
solution = (root / "solutions" / CHAPTER / "measure.hpp").read_text()
starter = (root / HEADER).read_text()
tests = {}
for source in sorted((root / "tests" / CHAPTER).glob("*_test.cpp")):
    for step, name in re.findall(r"^TEST\((Step\d+)_\w+, (\w+)\)", source.read_text(), re.M):
        tests.setdefault(step, []).append(name)
ALL = sum(map(len, tests.values()))


def with_steps(solved):
    """The starter with its first steps written."""
    awk = ["awk", "-v", f"solved={solved}", "-f", "tests/tools/starters.awk", f"solutions/{CHAPTER}/measure.hpp"]
    return subprocess.run(awk, capture_output=True, text=True, check=True).stdout


def mutated(patch):
    """The solution with a known mistake, and how many tests fail on it; None if that is not known exactly."""
    text = patch.read_text()
    failing = set(re.findall(r"Step\d+_\w+\.\w+", "".join(re.findall(r"^# (?:Caught by|Also fails):.*\n", text, re.M))))
    edit = subprocess.run(["patch", "-s", "-o", "-", f"solutions/{CHAPTER}/measure.hpp"], input=text,
                          capture_output=True, text=True, check=True)
    return edit.stdout, len(failing)


def inside(code):
    """The solution with some more code in it."""
    return solution.replace("/// The time that a piece of work took.", code + "\n/// The time that a piece of work took.", 1)


def instead(body):
    """The solution with another body of measure()."""
    return re.sub(r"  // <exercise 1\.1 measure>.*?  // </exercise>", lambda _: body, solution, count=1, flags=re.S)


def submissions():
    """Yields name, header (or None if there is none), and the score; the score is a range where time decides."""
    for solved in (3, 0, 1, 2):
        yield f"steps-{solved}", with_steps(solved), sum(len(tests.get(f"Step{n}", [])) for n in range(1, solved + 1))
    yield "nothing", None, 0
    yield "empty-file", "", 0
    yield "not-text", "\x00\x01\x02\x7f" * 1000, 0
    yield "too-large", "// " + "x" * 300_000 + "\n" + solution, 0
    yield "not-closed", solution[: len(solution) // 2], 0
    yield "windows", solution.replace("\n", "\r\n"), ALL
    yield "without-comments", re.sub(r"^ *//.*\n", "", solution, flags=re.M), ALL
    yield "with-a-helper", inside("namespace detail {\ninline int helper() { return 1; }\n}"), ALL
    yield "hangs-before-main", inside("inline const int hang = [] { for (volatile int i = 0;; i = i + 1) {} return 1; }();"), 0
    yield "throws-before-main", inside("inline const int bang = [] { throw 1; return 1; }();"), 0
    yield "hangs-in-measure", instead("  for (volatile int i = 0;; i = i + 1) {\n  }"), ALL - len(tests["Step1"])
    yield "recurses", instead("  return measure(std::forward<F>(fn));"), ALL - len(tests["Step1"])
    yield "throws-an-int", instead("  throw 1;"), (ALL - len(tests["Step1"]), ALL - len(tests["Step1"]) + 2)
    yield "eats-memory", instead("  for (std::vector<std::vector<char>> all;;) all.emplace_back(100'000'000, 'x');"), \
        ALL - len(tests["Step1"])
    yield "costs-the-compiler", inside(
        "template <int A, int B> struct Costly { static constexpr int value = Costly<A - 1, B>::value + "
        "Costly<A - 1, B + (1 << A)>::value; };\ntemplate <int B> struct Costly<0, B> { static constexpr int value = B; };\n"
        "inline constexpr int costly = Costly<26, 0>::value;"), 0
    for patch in sorted((root / "tests" / CHAPTER / "mutants").glob("*.patch")):
        text, failing = mutated(patch)
        yield "mistake-" + patch.stem, text, ALL - failing
    refused = (root / "tests/grader/self_test/refused.txt").read_text()
    for number, block in enumerate(re.findall(r"^== .*\n((?:.*\n)*?)-- ", refused, re.M)):
        yield f"hostile-{number:02}", "#pragma once\n" + block, 0


def pack(archive, header):
    with tarfile.open(archive, "w:gz") as tar:
        data = (header or "").encode("utf-8", "surrogateescape")
        info = tarfile.TarInfo(HEADER if header is not None else "chapters/README")
        info.size, info.mtime = len(data), time.time()
        tar.addfile(info, io.BytesIO(data))


def left_running(folder):
    """The processes that were started from the folder."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in os.readlink(process / "exe"):
                found.append(process.name)
        except OSError:
            pass
    return found


LOOP = r"""
for archive in ../submissions/*.tgz; do
  student=$(basename "$archive" .tgz)
  git checkout --quiet -- chapters
  git clean -fdxq chapters
  rm -rf build/*/learner build/grade.*
  tar xzmf "$archive" --wildcards 'chapters/[0-9]*_*/*.hpp'
  timeout 30m make grade NUMBERS=00 >../grades/"$student".txt 2>&1
  cp build/grade.json ../grades/"$student".json
  cp build/grade.xml ../grades/"$student".xml
done
"""


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    subprocess.run(["rm", "-rf", folder], check=True)
    for name in ("submissions", "grades"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["sh", "tests/tools/self_test/copy_tree.sh", folder / "grading"], check=True)
    subprocess.run("git init -q . && git add -A && git -c user.name=x -c user.email=x@x commit -qm x", shell=True,
                   cwd=folder / "grading", check=True)
    every = list(submissions())
    # The same ones again, under other names, until there are enough; or an even choice of them.
    chosen = [every[i * len(every) // count if count < len(every) else i % len(every)] for i in range(count)]
    expected = {}
    for number, (name, header, score) in enumerate(chosen):
        student = f"{number:03}-{name}"
        pack(folder / "submissions" / f"{student}.tgz", header)
        expected[student] = score
    begin = time.monotonic()
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    subprocess.run(["bash", "-c", LOOP], cwd=folder / "grading", env=environment, check=False)
    took = time.monotonic() - begin
    passed = failed = 0
    for student, score in expected.items():
        low, high = score if isinstance(score, tuple) else (score, score)
        try:
            grade = json.loads((folder / "grades" / f"{student}.json").read_text())
            right = low <= grade["score"] <= high and grade["max_score"] == ALL
            said = f"{grade['score']} of {grade['max_score']}"
        except (OSError, ValueError) as error:
            right, said = False, str(error)
        passed, failed = passed + right, failed + (not right)
        if not right:
            print(f"✘ {student}: {said}, not {score} of {ALL}")
    if left := left_running(folder):
        failed += 1
        print("✘ left running: " + " ".join(left))
    print(f"{count} submissions graded in {took:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
