# Benches: bench/NN_name/bench.cpp, and beside it peers.cpp, the same work on the libraries that people use at work,
# and bars.txt, what the reference must reach. Each is a program of Google Benchmark's; bench/compare/ runs them side
# by side. The Makefile includes this.

PEERS  := $(patsubst bench/%/peers.cpp,%,$(wildcard bench/*/peers.cpp))
COMPARE = python3 -B bench/compare/compare.py
SUMMARY = python3 -B bench/compare/summary.py

$B/bench/main.o: bench/support/main.cpp | $(call have,compiler) $(call have,benchmark)
	@mkdir -p $(@D)
	@$(COMPILE) $(FAST) -MMD -MP -Ichapters/support -c $< -o $@

# If it does not compile, the comparer tells so, from the log.
$B/%/bench: bench/$$(notdir $$*)/bench.cpp $B/bench/main.o | $$(call needed,$$*)
	@$(call attempt,$(COMPILE) $(FAST) -Ibench/support $(call includes,$*) $< $B/bench/main.o -lbenchmark \
	  $(call told,link,$(call number,$(call chapter,$*))))
$(PEERS:%=$B/peers/%): $B/peers/%: bench/%/peers.cpp $B/bench/main.o | $(call have,peers)
	@mkdir -p $(@D)
	@$(COMPILE) $(FAST) -MMD -MP -Ibench/support -Ichapters/support $< $B/bench/main.o -lbenchmark -ltbb -luv -o $@
-include $(wildcard $B/bench/*.d $B/peers/*.d)

# With BARS=yes, as in `make bench`, bars that need no peers are checked.
own_bars = $(if $(BARS),$(addprefix --without-peers --bars ,$(wildcard bench/$(call name,$1)/bars.txt)))
$(NUMBERS:%=bench-%): bench-%: $$B/solution/$$(call name,$$*)/bench $$B/learner/$$(call name,$$*)/bench \
  | $(call have,python)
	@$(COMPARE) --title 'Chapter $*' --json build/bench/$*.json --svg build/bench/$*.svg $(call own_bars,$*) \
	  $(ARGS) solution=$B/solution/$(call name,$*)/bench learner=$B/learner/$(call name,$*)/bench

with_peers := $(foreach c,$(PEERS),$(call number,$c))
$(with_peers:%=peers-%): peers-%: $$B/solution/$$(call name,$$*)/bench $$B/peers/$$(call name,$$*) | $(call have,python)
	@$(COMPARE) --title 'Chapter $* and its peers' --json build/bench/$*-peers.json \
	  --svg build/bench/$*-peers.svg --bars bench/$(call name,$*)/bars.txt \
	  $(ARGS) solution=$B/solution/$(call name,$*)/bench peers=$B/peers/$(call name,$*)
$(patsubst %,peers-%,$(filter-out $(with_peers),$(NUMBERS))): peers-%:
	@echo 'make: chapter $* has no peers to compare with; these have: $(with_peers)' >&2; exit 2

# Makes $1-NN for each number in $2, whatever fails, and then one table of all bars, from the files $3.
each = rm -f $3; failed=; for n in $2; do \
    $(MAKE) --no-print-directory $1-$$n BARS=yes ARGS='$(ARGS)' || failed="$$failed $$n"; \
  done; [ -z "$$failed" ] || echo "not well:$$failed"; $(SUMMARY) $3 && [ -z "$$failed" ]
bench: | $(call have,python)
	@+$(call each,bench,$(NUMBERS),$(NUMBERS:%=build/bench/%.json))
peers: | $(call have,python)
	@+$(call each,peers,$(with_peers),$(with_peers:%=build/bench/%-peers.json))

# Each row of the reference runs, if only for a moment.
bench-smoke: $(CHAPTERS:%=$B/solution/%/bench) | $(call have,python)
	@$(COMPARE) --smoke $(foreach c,$(CHAPTERS),$c=$B/solution/$c/bench)

# The comparer's own tests.
compare-test: | $(call have,python)
	@python3 -B bench/compare/run_tests.py

.PHONY: bench peers bench-smoke compare-test $(NUMBERS:%=bench-%) $(NUMBERS:%=peers-%)
