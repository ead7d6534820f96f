# Makes a starter from a solution: the code between `// <exercise S.E name>` and `// </exercise>` becomes a call of
# todo(). With -v solved=N the exercises of the steps 1…N keep their code. A word before the name changes what is left:
#   quiet    nothing but a comment, where the code around the gap has to work before its step
#   members  a comment that asks for members, once, however many such gaps of that name there are
# An instruction behind the mark, which goes on in the comment lines below it, becomes a TODO comment. New chapters have
# none: what is to be written stands in the lesson.

/^ *\/\/ <exercise / {
  mark = $0
  indent = mark; sub(/\/\/.*/, "", indent)
  sub(/^ *\/\/ <exercise /, "", mark)
  number = mark; sub(/ .*/, "", number)
  name = mark; sub(/^[^ ]* /, "", name); sub(/>.*/, "", name)
  kind = name ~ /^(quiet|members) / ? name : "todo"; sub(/ .*/, "", kind)
  sub(/^(quiet|members) /, "", name)
  instruction = mark; sub(/^[^>]*> */, "", instruction)
  keep = (number + 0 < solved + 1)
  if (!keep && instruction != "") print indent "// TODO " number ": " instruction
  reading = 1; body = instruction == ""
  next
}
/^ *\/\/ <\/exercise>/ {
  if (!reading) { print FILENAME ":" NR ": </exercise> without <exercise>" > "/dev/stderr"; failed = 1 }
  if (!keep && kind == "todo") print indent "todo(\"" number "\", \"" name "\");"
  if (!keep && kind == "quiet") print indent "// " number ", " name ": empty until step " int(number) "."
  if (!keep && kind == "members" && !asked[FILENAME, number, name]++)
    print indent "// For " number ": members of " name "."
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
