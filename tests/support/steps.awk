# Keeps some steps' tests of a chapter's test source, -v steps='2 4', or a few tests, -v tests='Step2_Stop.OnePass', and
# blanks out the others: what is left compiles much sooner than the whole chapter. Lines keep their numbers.
BEGIN {
  n = split(tests ? tests : steps, list, " ")
  for (i = 1; i <= n; ++i) wanted[list[i]] = 1
}
FNR == 1 { printf "#line 1 \"%s\"\n", FILENAME }
/^TEST\(Step[0-9]+_/ {
  name = $0
  if (tests) {
    sub(/^TEST\(/, "", name)
    sub(/\).*/, "", name)
    sub(/, */, ".", name)
  } else {
    sub(/^TEST\(Step/, "", name)
    sub(/_.*/, "", name)
  }
  skipping = !(name in wanted)
}
{ print skipping ? "" : $0 }
skipping && /}$/ && (/^}/ || /^TEST/) { skipping = 0 }
