# Makes a starter from a solution: the code between `// <exercise S.E name>` and `// </exercise>` becomes a call of
# todo(). With -v solved=N the exercises of the steps 1…N keep their code. A word before the name changes what is left:
#   quiet    nothing but a comment, where the code around the gap has to work before its step
#   members  a comment that asks for members, once, however many such gaps of that name there are
# An instruction behind the mark, which goes on in the comment lines below it, becomes a TODO comment. New chapters have
# none: what is to be written stands in the lesson. Where code is gone, no blank lines stay behind one another or at the
# end of a class.

function put(line) {
  if (line == "") { blank = 1; return }
  if (blank && line !~ /^ *};?$/) print ""
  blank = 0
  print line
}

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
  if (!keep && instruction != "") put(indent "// TODO " number ": " instruction)
  reading = 1; body = instruction == ""
  next
}
/^ *\/\/ <\/exercise>/ {
  if (!reading) { print FILENAME ":" NR ": </exercise> without <exercise>" > "/dev/stderr"; failed = 1 }
  if (!keep && kind == "todo") put(indent "todo(\"" number "\", \"" name "\");")
  if (!keep && kind == "quiet") put(indent "// " number ", " name ": empty until step " int(number) ".")
  if (!keep && kind == "members" && !asked[FILENAME, number, name]++)
    put(indent "// For " number ": members of " name ".")
  reading = 0
  next
}
reading && !body && /^ *\/\/ / { if (!keep) put($0); next }  # the rest of the instruction
reading { body = 1; if (keep) put($0); next }
{ put($0) }
END {
  if (reading) { print FILENAME ": exercise " number " has no </exercise>" > "/dev/stderr"; failed = 1 }
  exit failed
}
