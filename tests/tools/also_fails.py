"""Notes in a mutant which tests fail on it besides those that it names: also_fails.py PATCH grade.xml"""
import sys
import xml.etree.ElementTree as ET

patch, results = sys.argv[1:]
failing = [
    test.get("classname").split(".")[-1] + "." + test.get("name")
    for test in ET.parse(results).iter("testcase")
    if test.find("failure") is not None
]
with open(patch) as file:
    lines = [line for line in file.read().split("\n") if not line.startswith("# Also fails:")]
named = next(line for line in lines if line.startswith("# Caught by:"))
others = [name for name in failing if name not in named]
# What fails nearly everything says no more by its pattern than that.
if 0 < len(others) <= 12:
    lines.insert(lines.index(named) + 1, "# Also fails: " + ", ".join(others))
with open(patch, "w") as file:
    file.write("\n".join(lines))
