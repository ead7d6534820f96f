# Makes Doxygen read a page as GitHub shows it: gives pages and headings their names, and leads links to the pages of
# the HTML. Doxygen runs it on every *.md: `awk -f docs/lesson.awk chapters/01_pooling/README.md`.

# The HTML page of a Markdown file: chapters/01_pooling/README.md is chapter_01.html.
function page(file) {
  if (file ~ /chapters\/[0-9][0-9]_[^\/]*\/README.md$/) {
    sub(/\/README.md$/, "", file); sub(/.*\//, "", file)
    return "chapter_" substr(file, 1, 2)
  }
  if (file ~ /(^|\/)docs\/index.md$/) return "index"
  sub(/.*\//, "", file); sub(/\.md$/, "", file); gsub(/-/, "_", file)
  return tolower(file)
}

# A path without . and .. in it.
function plain(path,  part, n, i, result, kept, depth) {
  n = split(path, part, "/")
  for (i = 1; i <= n; i++) {
    if (part[i] == "" || part[i] == ".") continue
    if (part[i] == ".." && depth > 0) depth--
    else kept[++depth] = part[i]
  }
  for (i = 1; i <= depth; i++) result = result (i > 1 ? "/" : "") kept[i]
  return result
}

# Where a link leads in the HTML; empty if it leads nowhere there.
function target(link,  anchor, at) {
  at = index(link, "#")
  if (at) { anchor = substr(link, at); link = substr(link, 1, at - 1) }
  if (link == "") return anchor
  link = plain(folder link)
  if (link == "README.md") return "index.html"
  if (link ~ /README.md$/ && link !~ /^chapters\//) return ""
  if (link ~ /\.md$/) return page(link) ".html" anchor
  if (link ~ /^(solutions|chapters\/support)\/.*\.hpp$/) {
    sub(/.*\//, "", link); gsub(/_/, "__", link); gsub(/\./, "_8", link)
    return link "_source.html"
  }
  return ""
}

# The anchor that GitHub gives a heading.
function slug(heading) {
  heading = tolower(heading)
  gsub(/<[^>]*>/, "", heading)
  gsub(/[`*:,.;!?()'"\/+=<>&{}|]|→|…|’|“|”/, "", heading)
  gsub(/ /, "-", heading)
  return heading
}

# An anchor. Doxygen's own must be unique among all pages.
function anchor(name) { return html("<a id=\"" name "\"></a>") "\n" }

# HTML as it is: Doxygen 1.9.4 would close a <details> at the end of each paragraph.
function html(text) { return "@htmlonly[block]" text "@endhtmlonly" }

# Code in what goes to the HTML as it is.
function coded(text) {
  while (match(text, /`[^`]*`/))
    text = substr(text, 1, RSTART - 1) "<code>" substr(text, RSTART + 1, RLENGTH - 2) "</code>" substr(text, RSTART + RLENGTH)
  return text
}

# A picture. Doxygen finds it by its name alone, and copies it. What stands before it makes it an <img>, which keeps its
# text for those who cannot see it; alone in a paragraph it would be an <object> with a caption.
function picture(markdown) {
  sub(/\([^()]*\//, "(", markdown)
  return "&zwj;" markdown
}

# A piece of text without code in it: its links are led to the HTML.
function links(text,  result, at, label, link, where, rest, whole) {
  while (match(text, /!?\[[^][]*\]\([^() ]*\)/)) {
    whole = substr(text, RSTART, RLENGTH)
    result = result substr(text, 1, RSTART - 1)
    text = substr(text, RSTART + RLENGTH)
    if (whole ~ /^!/) { result = result picture(whole); continue }
    if (whole ~ /\((https?|mailto):/) { result = result whole; continue }
    at = index(whole, "](")
    label = substr(whole, 2, at - 2)
    link = substr(whole, at + 2, length(whole) - at - 2)
    where = target(link)
    result = result (where == "" ? label : "<a href=\"" where "\">" label "</a>")
  }
  return result text
}

# Some lines of prose: links, code and ** may go over the end of a line. Code keeps its backticks, doubled, for Doxygen
# ends `it's` at the apostrophe; it is put aside first, since what looks like a link in it is none.
function prose(line,  result, at, code, n, i) {
  n = 0
  while (match(line, /`[^`]+`/)) {
    code[++n] = "`" substr(line, RSTART, RLENGTH) "`"
    gsub(/&/, "\\&amp;", code[n])  # `&next;` would be taken for a symbol
    line = substr(line, 1, RSTART - 1) "\001" substr("0000" n, length("0000" n) - 3) "\002" substr(line, RSTART + RLENGTH)
  }
  gsub(/"/, "\\&quot;", line)  # Doxygen leaves what stands in quotes as it is
  line = links(line)
  while (match(line, /\*\*[^* ]([^*]*[^* ])?\*\*/))  # Doxygen knows no ** beside code
    line = substr(line, 1, RSTART - 1) "<b>" substr(line, RSTART + 2, RLENGTH - 4) "</b>" substr(line, RSTART + RLENGTH)
  for (i = 1; i <= n; i++) {
    # Doxygen looks for what begins with :: in the reference, and fails if it is not there.
    if (code[i] ~ /^``::/) code[i] = "@htmlonly" coded(substr(code[i], 2, length(code[i]) - 2)) "@endhtmlonly"
    at = index(line, "\001" substr("0000" i, length("0000" i) - 3) "\002")
    line = substr(line, 1, at - 1) code[i] substr(line, at + 6)
  }
  return line
}

function flush() {
  if (held != "") printf "%s", prose(held)
  held = ""
}

FNR == 1 {
  folder = FILENAME
  if (!sub(/[^\/]*$/, "", folder)) folder = ""
  name = page(FILENAME)
  # Doxygen may name the file by its whole path: what counts is the part inside the repository.
  folder = match(folder, /(chapters\/[0-9][0-9]_[^\/]*|docs)\/$/) ? substr(folder, RSTART) : ""
}

/^ *```/ {
  flush()
  fenced = !fenced
  if (fenced && $0 !~ /```(cpp|c\+\+|python)$/) { sub(/```.*/, "```{.unparsed}") }
  print
  next
}
fenced { print; next }

/^# / && !titled {
  flush()
  titled = 1
  if (name ~ /^chapter/ && $0 !~ /^# [0-9]/) sub(/^# /, "# " substr(name, 9) " ")
  print $0 " {#" (name == "index" ? "mainpage" : name) "}"
  if (name ~ /^chapter/) print "\n[TOC]"
  next
}
/^##+ / {
  flush()
  heading = $0; sub(/^#+ /, "", heading)
  print anchor(slug(heading))
  # The main page's are not to be in the navigation, and the parts of a step not in the page's table of contents.
  if (name == "index") print html("<h1>" heading "</h1>")
  else if (name ~ /^chapter/ && /^###+ / && heading !~ /^Step /) print html("<h2>" coded(heading) "</h2>")
  else print prose($0)
  next
}
/^<a id="[^"]*"><\/a>$/ {
  flush()
  gsub(/.*="|">.*/, "")
  print anchor($0)
  next
}
/^ *<\/?(details|summary)/ {
  flush()
  print html(coded($0))
  next
}
/^ *$/ { flush(); print; next }
{ held = held $0 "\n" }
END { flush() }
