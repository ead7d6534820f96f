# Leaves of a source of tests only those that are named: `awk -v only=' Suite.Name Suite.Other ' -f only_tests.awk FILE`.
# What is left out becomes empty lines, so that each line keeps its number.

function flush_head() { for (i = 1; i <= heads; i++) print head[i]; heads = 0 }

/^TEST\(/ { heads = 0; collecting = 1; name = "" }
collecting {
  head[++heads] = $0
  name = name $0
  if (name !~ /\{/) next
  collecting = 0
  full = name
  sub(/^TEST\( */, "", full); sub(/\).*/, "", full); sub(/, */, ".", full)
  skipping = index(only, " " full " ") == 0
  whole = $0 ~ /\}$/  # on one line
  if (skipping) { for (i = 1; i <= heads; i++) print ""; heads = 0 } else flush_head()
  if (whole) skipping = 0
  next
}
skipping { print ""; if ($0 == "}") skipping = 0; next }
{ print }
