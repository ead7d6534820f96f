# Keeps some steps' tests of a chapter's test source, and blanks out the others: -v steps='2 4'. A step alone compiles much
# sooner than the whole chapter. Lines keep their numbers.
BEGIN {
  n = split(steps, list, " ")
  for (i = 1; i <= n; ++i) wanted[list[i]] = 1
}
FNR == 1 { printf "#line 1 \"%s\"\n", FILENAME }
/^TEST\(Step[0-9]+_/ {
  step = $0
  sub(/^TEST\(Step/, "", step)
  sub(/_.*/, "", step)
  skipping = !(step in wanted)
}
{ print skipping ? "" : $0 }
skipping && /}$/ && (/^}/ || /^TEST/) { skipping = 0 }
