# Sums up the lines `NAME: 3 passed, 0 failed` of jobs that ran side by side: `awk -v jobs=N -f sum.awk`. Each job says one
# such line; a job that ended early has said none, and has failed.

sub(/^.*: /, "") && /^[0-9]+ passed, [0-9]+ failed$/ {passed += $1; failed += $3; --jobs}
END {failed += jobs; print passed + 0 " passed, " failed + 0 " failed"; exit failed > 0 || !passed}
