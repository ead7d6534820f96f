# Makes a starter from a solution: the code between `// <exercise S.E name> instruction` and `// </exercise>`
# becomes a TODO comment and a call of todo(). With -v solved=N the exercises of the steps 1…N keep their code.
# If the name begins with `struct ` or `class `, the code is members, and only the TODO comment is left.

/^ *\/\/ <exercise / {
  mark = $0
  indent = mark; sub(/\/\/.*/, "", indent)
  sub(/^ *\/\/ <exercise /, "", mark)
  number = mark; sub(/ .*/, "", number)
  name = mark; sub(/^[^ ]* /, "", name); sub(/>.*/, "", name)
  instruction = mark; sub(/^[^>]*> */, "", instruction)
  keep = (number + 0 < solved + 1)
  if (!keep) print indent "// TODO " number ": " instruction
  reading = 1; body = 0
  next
}
/^ *\/\/ <\/exercise>/ {
  if (!reading) { print FILENAME ":" NR ": </exercise> without <exercise>" > "/dev/stderr"; failed = 1 }
  if (!keep && name !~ /^(struct|class) /) print indent "todo(\"" number "\", \"" name "\");"
  reading = 0
  next
}
reading && !body && /^ *\/\/ / { if (!keep) print; next }  # the rest of the instruction
reading { body = 1; if (keep) print; next }
{ print }
END {
  if (reading) { print FILENAME ": exercise " number " has no </exercise>" > "/dev/stderr"; failed = 1 }
  exit failed
}
