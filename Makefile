# Async from Scratch: every command of the course. `make help` lists them.

# The chapters, in order, and what each builds on. A chapter is graded against the reference solutions of the ones below
# it, so that a slip in one never costs points in another; with BASE=mine it is graded against your own.
CHAPTERS := 00_baseline 01_pooling 02_executors 03_futures 04_process_pool 05_work_stealing 06_event_loop 07_reactor \
  08_coroutines 09_tasks 10_composition
needs_00 :=
needs_01 := 00
needs_02 := 01
needs_03 := 02
needs_04 := 03
needs_05 := 03
needs_06 :=
# Chapter 01 for the bench alone, which pits a loop against a pool of threads.
needs_07 := 01 06
needs_08 :=
needs_09 := 06 08
needs_10 := 04 05 09
# The libraries that a chapter stands on, as tests/support/need.sh calls them.
libraries_04 := cereal
# The chapters whose recipe is the cookbook's first: the last of them is what `make run` runs.
main_recipe := 04

# ---- Knobs ------------------------------------------------------------------------------------------------------------

CXX    := $(if $(filter default,$(origin CXX)),g++,$(CXX))
SAN    ?=#     thread or address: build with a sanitizer
BASE   ?=#     mine: build on your own chapters
FILTER ?=#     Step2*: only these tests
REPLAY ?=#     12.1,3.2: explored tests run only this schedule
ARGS   ?=#     handed to a recipe or a bench
export CXX
export EXPLORE_REPLAY = $(REPLAY)

ifneq ($(filter-out thread address,$(SAN))$(word 2,$(SAN)),)
  $(error SAN=$(SAN) is not known: it may be thread or address)
endif
ifneq ($(filter-out mine,$(BASE))$(word 2,$(BASE)),)
  $(error BASE=$(BASE) is not known: it may be mine)
endif

# ---- Names ------------------------------------------------------------------------------------------------------------

number  = $(firstword $(subst _, ,$1))
NUMBERS := $(foreach c,$(CHAPTERS),$(call number,$c))
$(foreach c,$(CHAPTERS),$(eval name_$(call number,$c) := $c))

# All chapters below number $1.
below = $(sort $(foreach n,$(needs_$1),$n $(call below,$n)))

# What this compiler builds, with these knobs.
B := build/$(notdir $(CXX))$(SAN:%=-%)$(BASE:%=-%)

comma := ,
space := $() $()
FLAGS := -std=c++2b -g -pthread -Wall -Wextra -Wno-unused-parameter $(if $(findstring clang,$(CXX)),-Wno-unused-private-field)
# That ThreadSanitizer knows nothing of fences costs no warning: what they order is published by stores with release too.
FLAGS += $(if $(filter thread,$(SAN)),-fsanitize=thread $(if $(findstring clang,$(CXX)),,-Wno-tsan))
# With it g++ makes a coroutine's symmetric transfer a jump even where it does not optimise; clang++ does so anyway.
FLAGS += $(if $(findstring clang,$(CXX)),,-foptimize-sibling-calls)
# Of the frames of coroutines whose types are local to a test it has something to say, if the test comes through a pipe.
FLAGS += $(if $(findstring clang,$(CXX)),,-Wno-subobject-linkage)
FLAGS += $(if $(filter address,$(SAN)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined)
FAST  := -O2 -DNDEBUG

# The include path for number $1, with its own headers in folder $2.
below_in  = $(if $(BASE),chapters,solutions)
includes  = -Ichapters/support -I$2 $(foreach n,$(call below,$1),-I$(below_in)/$(name_$n))

MAKEFLAGS += --no-builtin-rules $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc 2>/dev/null || echo 2))
CCACHE    := $(shell command -v ccache)
COMPILE    = $(CCACHE) $(CXX) $(FLAGS)
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := help

# ---- For learners -----------------------------------------------------------------------------------------------------

help:
	@sed -n 's/^#: //p' Makefile

#: Async from Scratch: build your own concurrent.futures and asyncio
#:
#:   make run            the cookbook's recipe on the reference: sequential, a thread pool, a process pool
#:   make test           all tests on the reference solutions; all starters fail as they should
#:
#: Chapters 00 01 02 03 04 05 06 07 08 09 10. With 01 for any of them:
#:   make 01             grade your chapter 01         make next         what to do next
#:   make watch-01       grade it at every save        make grade        grade all chapters
#:   make recipe-01      run its program on your code  make run-01       … on the reference
#:   make bench-01       you, the reference and the    make solution-01  its tests on the reference
#:                       sequential baseline           make diff-01      what differs from the reference
#:   make reset-01       a fresh starter; yours stays  make mine         all tests on your own chapters
#:                       beside it
#:
#: For those who look closer
#:   make bench          all benches                   make peers        … against oneTBB, Asio, libuv
#:   make docs           the lessons and the reference as web pages, in build/docs/html
#:   make check          what CI runs beyond `make test`; it is made of
#:                       starters-check ladder mutants errors tools-test explorer-test
#:                       sanitize-thread sanitize-address parity links docs bench-smoke format-check
#:   make explorer-test  the schedule explorer on    make explorer-table  … beside ThreadSanitizer,
#:                       programs right and wrong                         on eleven typical bugs
#:   make starters       chapters/*/*.hpp anew from the solutions
#:   make figures        the recorded figures anew
#:   make format         clang-format               make compile_commands.json  for clangd and IDEs
#:   make clean          removes build/
#:
#: Knobs: FILTER='Step2*'  REPLAY=1.1,10.1  ARGS='--workers 2'  SAN=thread|address  BASE=mine  CXX=clang++-16

# ---- What is built ----------------------------------------------------------------------------------------------------

# Sees to it, once, that what is needed is there: build/have/gtest-g++, build/have/benchmark-g++, …
have = build/have/$1-$(notdir $(CXX))
build/have/%-$(notdir $(CXX)):
	@mkdir -p $(@D) && flock $(@D) sh tests/support/need.sh compiler $* && touch $@

# What number $1 and those below it stand on.
libraries = $(foreach n,$1 $(call below,$1),$(foreach l,$(libraries_$n),$(call have,$l)))

# All tests share a precompiled header and the objects of the test main.
PRELUDE := $B/prelude.hpp.$(if $(findstring clang,$(CXX)),pch,gch)
SUPPORT := $(patsubst %,$B/support/%.o,main testing allocations)
TESTING := -std=c++2b -O0 -Itests/support
$(PRELUDE): tests/support/prelude.hpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D) && cp $< $B/prelude.hpp
	@$(CXX) $(FLAGS) $(TESTING) -x c++-header $< -o $@
$(SUPPORT): $B/support/%.o: tests/support/%.cpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D)
	@$(COMPILE) -O1 -MMD -MP -Itests/support -Ichapters/support -c $< -o $@
$B/bench/main.o: bench/support/main.cpp | $(call have,compiler) $(call have,benchmark)
	@mkdir -p $(@D)
	@$(COMPILE) $(FAST) -MMD -MP -Ichapters/support -c $< -o $@

# Runs a compilation, $1. If your code does not compile, that is no reason to stop: the grader tells it, from the log.
attempt = if $1 2>$@.log; then cat $@.log >&2; rm -f $@.log; else rm -f $@; fi

# The tests of number $1, of all steps or of those in $3, with the headers in folder $2; -o or -c and what follows is $4.
# Odd and even steps are compiled side by side; one step is compiled alone if FILTER asks for it, and for a debugger too:
# with -g1 lines are known and variables are not, which is a fifth less to compile.
steps   = $(shell cat $1 2>/dev/null | grep -o '^TEST.Step[0-9]*' | tr -dc '0-9\n' | sort -nu)
$(foreach n,$(NUMBERS),$(eval steps_$n := $(call steps,tests/$(name_$n)_*.cpp)))
$(foreach n,$(NUMBERS),$(eval explored_steps_$n := $(call steps,tests/$(name_$n)_explored.cpp)))
odd_steps  = $(filter 1 3 5 7 9,$(steps_$1))
even_steps = $(filter 2 4 6 8,$(steps_$1))
parts      = $2/odd.o $2/even.o
only_steps = awk -v steps='$(or $3,$(steps_$1))' -v tests='$(TESTS)' -f tests/support/steps.awk tests/$(name_$1)$2.cpp
compile_steps = $(call only_steps,$1,_test,$3) | \
  $(CXX) $(FLAGS) $(TESTING) $(SPARE) -Wno-unused-function -include $B/prelude.hpp $(call includes,$1,$2) -x c++ - $4
# A compiler that has memory to spare need not tidy up so often.
SPARE := $(if $(findstring clang,$(CXX)),,--param ggc-min-expand=200 --param ggc-min-heapsize=1000000)
link_tests = $(CXX) $(FLAGS) $1 $(SUPPORT) -lgtest -o $2

# Schedules are explored with code that is compiled with ThreadSanitizer's hooks and linked with a runtime of ours in the
# place of its own: tests/explorer/README.md. Where a canary finds that this does not work here, and in builds with SAN,
# the same scenarios run many times as they are.
X := build/$(notdir $(CXX))/explorer
EXPLORER := $(patsubst tests/%.cpp,$X/%.o,$(wildcard $(addprefix tests/explorer/,*.cpp runtime/*.cpp runtime/*/*.cpp)) \
  tests/support/grader/symbols.cpp tests/support/grader/text.cpp)
UNSAN     = $(filter-out -fsanitize% -fno-sanitize%,$(FLAGS))
# That ThreadSanitizer knows nothing of fences is no concern of ours; and the hooks hide from g++ what is initialised.
HOOKED   := -O1 -Itests/explorer -Itests/support $(if $(findstring clang,$(CXX)),,-Wno-tsan -Wno-maybe-uninitialized)
EXPLORED  = $(UNSAN) $(HOOKED) -fsanitize=thread -fno-pie
STRESSED  = $(FLAGS) $(HOOKED) $(if $(SAN),,-fsanitize=thread)
$(EXPLORER): $X/%.o: tests/%.cpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(UNSAN) -O2 -fno-pie -MMD -MP -Ichapters/support -c $< -o $@
$X/explorer.o: $(EXPLORER)
	@$(CXX) -r -nostdlib -no-pie $^ -o $@
$X/$(notdir $(PRELUDE)): tests/support/prelude.hpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D) && cp $< $X/prelude.hpp
	@$(CXX) $(EXPLORED) -x c++-header $< -o $@
$X/works: tests/explorer/self_test/canary.cpp $X/explorer.o $(SUPPORT)
	@{ $(CXX) $(EXPLORED) $< -c -o $X/canary.o && $(call link_explored,$X/canary.o,,$X/canary) && $X/canary; } >$@.log 2>&1 && \
	  cp /dev/null $@ || tail -n 1 $@.log >$@
link_explored = $(CXX) -no-pie -pthread $1 $X/explorer.o $2 -lgtest -Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset -o $3
# Builds the explored tests of number $1 in steps $3, with the headers in folder $2, as $4; $5 are further flags.
explored = rm -f $4.note; if [ -n '$(SAN)' ] || [ -s $X/works ]; then \
    [ -n '$(SAN)' ] || echo "Schedules are not explored here, but run as they come: `cat $X/works`" >$4.note; \
    $(call stressed,$1,$2,$3,$4,$5); \
  else $(call only_steps,$1,_explored,$3) | $(CXX) $(EXPLORED) -include $X/prelude.hpp $5 $(call includes,$1,$2) \
    -x c++ - -c -o $4.o && $(call link_explored,$4.o,$B/support/main.o,$4); fi
stressed = $(call only_steps,$1,_explored,$3) | $(CXX) $(STRESSED) $5 $(call includes,$1,$2) tests/explorer/stress/stress.cpp \
  -x c++ - -x none $B/support/main.o -lgtest -o $4

# What number $1 is built to, from the headers in folder $2, called $3. Objects that are missing did not compile.
define chapter_rules
$(foreach k,odd even $(steps_$1),$B/$3/$(name_$1)/$k.o): $B/$3/$(name_$1)/%.o: tests/$(name_$1)_test.cpp tests/support/steps.awk $(PRELUDE) | $(call libraries,$1)
	@mkdir -p $$(@D)
	@$$(call attempt,$$(call compile_steps,$1,$2,$$(or $$(call $$*_steps,$1),$$*),$$(if $$(call $$*_steps,$1),-g1) -c -o $$@ -MMD -MP -MF $$@.d -MT $$@))
$B/$3/$(name_$1)_test: $(call parts,$1,$B/$3/$(name_$1)) $(SUPPORT)
	@$$(call link_or_tell,$(call parts,$1,$B/$3/$(name_$1)))
$(foreach k,$(steps_$1),$B/$3/step$k/$(name_$1)_test): $B/$3/step%/$(name_$1)_test: $B/$3/$(name_$1)/%.o $(SUPPORT)
	@mkdir -p $$(@D)
	@$$(call link_or_tell,$$<)
$B/$3/$(name_$1)_explored: tests/$(name_$1)_explored.cpp $X/works $X/$(notdir $(PRELUDE)) $(SUPPORT) | $(call libraries,$1)
	@mkdir -p $$(@D)
	@$$(call attempt,$$(call explored,$1,$2,$(explored_steps_$1),$$@,-g1 -MMD -MP -MF $$@.d -MT $$@))
$(foreach k,$(explored_steps_$1),$B/$3/step$k/$(name_$1)_explored): $B/$3/step%/$(name_$1)_explored: tests/$(name_$1)_explored.cpp $X/works $X/$(notdir $(PRELUDE)) $(SUPPORT) | $(call libraries,$1)
	@mkdir -p $$(@D)
	@$$(call attempt,$$(call explored,$1,$2,$$*,$$@,-MMD -MP -MF $$@.d -MT $$@))
$B/$3/$(name_$1)_recipe: chapters/$(name_$1)/recipe.cpp | $(call have,compiler) $(call libraries,$1)
	@mkdir -p $$(@D)
	@$$(COMPILE) $$(FAST) -MMD -MP $(call includes,$1,$2) $$< -o $$@
$B/$3/$(name_$1)_bench: bench/$(name_$1)_bench.cpp $B/bench/main.o | $(call libraries,$1)
	@mkdir -p $$(@D)
	@$$(call attempt,$$(COMPILE) $$(FAST) -MMD -MP -Ibench/support $(call includes,$1,$2) $$< $B/bench/main.o -lbenchmark -o $$@)
endef
link_or_tell = if ls $1 >/dev/null 2>&1; then rm -f $@.log && $(call link_tests,$1,$@); else rm -f $@; cat $(1:=.log) >$@.log 2>/dev/null; true; fi
$(foreach n,$(NUMBERS),$(eval $(call chapter_rules,$n,solutions/$(name_$n),solution)))
$(foreach n,$(NUMBERS),$(eval $(call chapter_rules,$n,chapters/$(name_$n),learner)))

# A submission must not change what the words of a test mean: macros are compared with those that the solution leaves.
# $2 is the test binary of number $1; beside it the grader looks for what is wrong.
macros = sh tests/support/macros.sh $(CXX) $(TESTING) -include tests/support/prelude.hpp $(call includes,$1,$2) \
  $(addprefix -include ,$(notdir $(wildcard solutions/$(name_$1)/*.hpp))) tests/$(name_$1)_test.cpp
untampered = { $(call macros,$1,solutions/$(name_$1)) >$2.want & $(call macros,$1,chapters/$(name_$1)) >$2.have 2>/dev/null; wait; \
  diff $2.want $2.have >$2.tampered; [ $$? = 1 ] || rm -f $2.tampered; }

$B/peers/%_peers: bench/peers/%_peers.cpp $B/bench/main.o | $(call have,peers)
	@mkdir -p $(@D)
	@$(COMPILE) $(FAST) -MMD -MP -Ibench/support -Ichapters/support $< $B/bench/main.o -lbenchmark -ltbb -luv -o $@

# The programs that grade tests and compare benches. None of a learner's code is in them.
TOOLS   := build/$(notdir $(CXX))/tools
GRADE   := $(TOOLS)/grade
COMPARE := $(TOOLS)/compare
GRADER  := $(patsubst tests/support/%.cpp,$(TOOLS)/%.o,tests/support/grader.cpp $(wildcard tests/support/grader/*.cpp))
$(GRADER): $(TOOLS)/%.o: tests/support/%.cpp | $(call have,compiler)
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(filter-out -g -fsanitize%,$(FLAGS)) -MMD -MP -c $< -o $@
$(GRADE): $(GRADER)
	@$(CXX) -pthread $^ -o $@
$(COMPARE): bench/support/compare.cpp | $(call have,compiler)
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(filter-out -g -fsanitize%,$(FLAGS)) -MMD -MP -Ichapters/support $< -o $@

-include $(shell find build -name '*.d' 2>/dev/null)

# The chapters that have peers: the same work on the libraries that people use at work.
PEERS := $(patsubst bench/peers/%_peers.cpp,%,$(wildcard bench/peers/*_peers.cpp))

# ---- Grading ----------------------------------------------------------------------------------------------------------

grade     = $(GRADE) $(if $(SAN),--memory none --time 60s,`! [ -s $X/works ] || echo --memory none`) $(if $(FILTER),--filter '$(FILTER)')
tests_of  = $B/$2/$(name_$1)_test $(if $(explored_steps_$1),$B/$2/$(name_$1)_explored)
learners := $(foreach n,$(NUMBERS),$(call tests_of,$n,learner))
tampered  = $(foreach n,$(NUMBERS),$(call untampered,$n,$B/learner/$(name_$n)_test);) true
solved   := $(foreach n,$(NUMBERS),$(call tests_of,$n,solution))

# If FILTER is about one step, only that is built.
step_asked := $(if $(findstring :,$(FILTER)),,$(shell echo '$(FILTER)' | grep -o '^Step[0-9]*' | tr -dc 0-9))
test_for    = $(if $(filter $(step_asked),$(steps_$1)),$(strip \
  $(if $(filter $(step_asked),$(call steps,tests/$(name_$1)_test.cpp)),$B/$2/step$(step_asked)/$(name_$1)_test) \
  $(if $(filter $(step_asked),$(explored_steps_$1)),$B/$2/step$(step_asked)/$(name_$1)_explored)),$(call tests_of,$1,$2))

define number_rules
.PHONY: $1 solution-$1 recipe-$1 run-$1 bench-$1 peers-$1 diff-$1 reset-$1 watch-$1
$1: $(call test_for,$1,learner) $(GRADE)
	@$$(call untampered,$1,$$<)
	@$$(grade) $$(filter-out $(GRADE),$$^)
solution-$1: $(call test_for,$1,solution) $(GRADE)
	@$$(grade) --again 'make solution-$1' $$(filter-out $(GRADE),$$^)
recipe-$1: $B/learner/$(name_$1)_recipe
	@$$< $$(ARGS)
run-$1: $B/solution/$(name_$1)_recipe
	@$$< $$(ARGS)
bench-$1: $B/solution/$(name_$1)_bench $B/learner/$(name_$1)_bench $(COMPARE)
	@mkdir -p build/bench
	@$(COMPARE) --title 'Chapter $1' --json build/bench/$1.json --svg build/bench/$1.svg $$(ARGS) \
	  solution=$B/solution/$(name_$1)_bench learner=$B/learner/$(name_$1)_bench
peers-$1: $B/solution/$(name_$1)_bench $(if $(filter $(name_$1),$(PEERS)),$B/peers/$(name_$1)_peers) $(COMPARE)
	@mkdir -p build/bench
	@$(if $(filter $(name_$1),$(PEERS)),sh bench/peers/compare.sh $1 $(COMPARE) --title 'Chapter $1 and its peers' --json build/bench/$1-peers.json \
	  --svg build/bench/$1-peers.svg $$(ARGS) solution=$B/solution/$(name_$1)_bench peers=$B/peers/$(name_$1)_peers,\
	  echo 'make: chapter $1 has no peers to compare with; these have: $(foreach c,$(PEERS),$(call number,$c))' >&2; exit 2)
diff-$1:
	@for f in solutions/$(name_$1)/*.hpp; do diff -u chapters/$(name_$1)/$$$${f##*/} $$$$f; done; true
reset-$1:
	@sh tests/support/starters.sh --keep $(name_$1)
watch-$1:
	@sh tests/support/watch.sh chapters/$(name_$1) $$(MAKE) --no-print-directory $1
endef
$(foreach n,$(NUMBERS),$(eval $(call number_rules,$n)))

run: run-$(main_recipe)

grade: $(learners) $(GRADE)
	@$(tampered)
	@$(grade) --json build/grade.json --junit build/grade.xml $(learners)

next: $(learners) $(GRADE)
	@$(tampered)
	@$(grade) --next $(learners)

mine:
	@$(MAKE) --no-print-directory BASE=mine grade
	@for n in $(NUMBERS); do $(MAKE) --no-print-directory BASE=mine recipe-$$n ARGS='$(ARGS)' || exit; done

# ---- For contributors, and CI -----------------------------------------------------------------------------------------

test:
	@MAKE='$(MAKE)' sh tests/support/tally.sh solutions starters-fail
check:
	@MAKE='$(MAKE)' sh tests/support/tally.sh $(CHECKS)
CHECKS := starters-check ladder mutants errors tools-test explorer-test sanitize-thread sanitize-address parity links docs bench-smoke format-check

solutions: $(solved) $(GRADE)
	@$(grade) --again 'make solutions' $(solved)

starters:
	@sh tests/support/starters.sh $(CHAPTERS)
starters-check:
	@sh tests/support/starters.sh --check $(CHAPTERS)

# Every starter compiles without a warning, and every test of it fails with the words that lead to its lesson. The ladder
# climbs it: with K steps solved, the tests of the last of them pass, and those of the next one fail so.
rung = $(if $(filter 0,$2),$(steps_$1),$2 $(shell expr $2 + 1))
rung_explored = $(filter $(rung),$(explored_steps_$1))
define ladder_rule
$B/ladder/$2/$(name_$1)_test: tests/$(name_$1)_test.cpp tests/support/starters.awk $(wildcard solutions/$(name_$1)/*.hpp) $(PRELUDE) $(SUPPORT)
	@mkdir -p $B/ladder/$2/$(name_$1)
	@for f in solutions/$(name_$1)/*.hpp; do awk -v solved=$2 -f tests/support/starters.awk $$$$f >$B/ladder/$2/$(name_$1)/$$$${f##*/} || exit; done
	@$$(call compile_steps,$1,$B/ladder/$2/$(name_$1),$(rung),-Werror -c -o $$@.o)
	@$$(call link_tests,$$@.o,$$@)
$B/ladder/$2/$(name_$1)_explored: tests/$(name_$1)_explored.cpp $B/ladder/$2/$(name_$1)_test $X/works $X/$(notdir $(PRELUDE))
	@$$(call explored,$1,$B/ladder/$2/$(name_$1),$(rung_explored),$$@,-Werror -Wno-unused-function)
starter-$1-$2: $B/ladder/$2/$(name_$1)_test $(if $(rung_explored),$B/ladder/$2/$(name_$1)_explored) $(GRADE)
	@$(GRADE) --starter $2 --filter '$(subst $(space),:,$(rung:%=Step%_*))' $$(filter-out $(GRADE),$$^)
STARTERS-$2 += starter-$1-$2
endef
$(foreach n,$(NUMBERS),$(foreach k,$(steps_$n),$(eval $(call ladder_rule,$n,$(shell expr $k - 1)))))
ladder: $(foreach k,1 2 3 4 5 6 7 8 9,$(STARTERS-$k))
starters-fail: $(STARTERS-0)

# Each wrong solution is caught by the test that it names.
mutants: $(GRADE) $(SUPPORT) $(PRELUDE) $X/works $X/$(notdir $(PRELUDE)) | $(call have,patch)
	@MAKE='$(MAKE)' sh tests/support/mutants.sh $(GRADE) $B/mutants $(wildcard $(addsuffix /*.patch,$(addprefix tests/mutants/,$(CHAPTERS))))
# For scripts: the tests of chapter NAME in STEPS, or TESTS alone, with the headers in folder FROM, as TO.
test-from:
	@$(call compile_steps,$(call number,$(NAME)),$(FROM),$(STEPS),-w -c -o $(TO).o)
	@$(call link_tests,$(TO).o,$(TO))
explored-from:
	@$(call explored,$(call number,$(NAME)),$(FROM),$(STEPS),$(TO),-w)

sanitize-thread sanitize-address: sanitize-%:
	@$(MAKE) --no-print-directory SAN=$* solutions

# ---- Benches ----------------------------------------------------------------------------------------------------------

# Numbers that the reference must reach, as ratios in one run: bench/peers/bars.txt.
solved_benches := $(foreach n,$(NUMBERS),$B/solution/$(name_$n)_bench)

bench:
	@for n in $(NUMBERS); do $(MAKE) --no-print-directory bench-$$n ARGS='$(ARGS)' || exit; done
peers:
	@for n in $(foreach c,$(PEERS),$(call number,$c)); do $(MAKE) --no-print-directory peers-$$n ARGS='$(ARGS)' || exit; done
bench-smoke: $(solved_benches) $(COMPARE)
	@for bench in $(solved_benches); do $(COMPARE) --smoke solution=$$bench || exit; done

# ---- The rest ---------------------------------------------------------------------------------------------------------

# The course's own tools, tried: the grader on submissions that cheat, the timelines, the ring, the arithmetic of the
# benches.
tools-test: $B/tools/timeline_test $B/tools/ring_test $B/tools/recipe_test $B/tools/compare_test $B/tools/grader_test $(GRADE) $B/support/main.o
	@$B/tools/timeline_test --gtest_brief=1
	@$B/tools/ring_test --gtest_brief=1
	@$B/tools/recipe_test --gtest_brief=1
	@$B/tools/compare_test --gtest_brief=1
	@sh tests/forgery/build.sh build/forgery $B/support/main.o $(CXX) $(FLAGS) $(TESTING) -include $B/prelude.hpp
	@$B/tools/grader_test $(GRADE) build/forgery
$B/tools/grader_test: tests/grader_test.cpp $(GRADER) $(PRELUDE)
	@mkdir -p $(@D)
	@$(CXX) $(FLAGS) $(TESTING) -MMD -MP -include $B/prelude.hpp $< $(filter-out %/grader.o,$(GRADER)) -lgtest -o $@
$B/tools/%_test: tests/support_%_test.cpp $(PRELUDE) $(SUPPORT)
	@mkdir -p $(@D)
	@$(CXX) $(FLAGS) $(TESTING) -MMD -MP -include $B/prelude.hpp -Ichapters/support -Ibench/support $< $(SUPPORT) -lgtest -o $@

# The explorer, tried: programs that are wrong, programs that are not, and what the memory model allows.
SELF_TESTS := $(patsubst tests/%.cpp,$X/%.o,$(filter-out %/canary.cpp %/table.cpp %/table_runs.cpp,$(wildcard tests/explorer/self_test/*.cpp)))
$(SELF_TESTS) $X/explorer/self_test/table.o: $X/%.o: tests/%.cpp $X/$(notdir $(PRELUDE))
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(EXPLORED) -include $X/prelude.hpp -MMD -MP -c $< -o $@
$X/self_test: $(SELF_TESTS) $X/explorer.o $B/support/main.o
	@$(call link_explored,$(SELF_TESTS),$B/support/main.o,$@)
# What must not compile, and what the first error says.
errors: $(foreach n,$(NUMBERS),$(if $(wildcard tests/$(name_$n)_errors.txt),errors-$n))
define errors_rule
.PHONY: errors-$1
errors-$1: | $(call have,compiler) $(call libraries,$1)
	@sh tests/support/errors.sh tests/$(name_$1)_errors.txt $(CXX) $(FLAGS) $(call includes,$1,solutions/$(name_$1))
endef
$(foreach n,$(NUMBERS),$(eval $(call errors_rule,$n)))

explorer-test: $X/self_test $X/works
	@if [ -s $X/works ]; then echo "Not tried, for schedules are not explored here: `cat $X/works`"; \
	  else sh tests/explorer/self_test/run.sh $<; fi

# What finds the typical bugs: the same programs, built as they are, with ThreadSanitizer and for the explorer.
TABLE := $(addprefix tests/explorer/self_test/table,_programs.cpp _runs.cpp)
$X/table_native $X/table_thread: $X/table_%: $(TABLE) tests/explorer/self_test/table_programs.hpp | $(call have,compiler)
	@mkdir -p $(@D)
	@$(CXX) $(UNSAN) -O1 $(if $(filter thread,$*),-fsanitize=thread) $(TABLE) -o $@
$X/table: $X/explorer/self_test/table.o $X/explorer/self_test/table_programs.o $X/explorer.o
	@$(call link_explored,$(filter-out %/explorer.o,$^),,$@)
explorer-table: $X/table $X/table_native $X/table_thread
	@TSAN_OPTIONS=halt_on_error=1:report_thread_leaks=0 $X/table $X/table_native $X/table_thread

# Each behaviour of Python that is ours is cited by a test; what the pages point to is there.
parity links: %:
	@sh tests/support/$*.sh

docs: | $(call have,docs)
	@mkdir -p build/docs
	@doxygen docs/Doxyfile
	@echo 'The lessons and the reference: build/docs/html/index.html'

# The figures of chapter 00, recorded anew: on a quiet machine, for other work stretches them.
figures: $B/docs/models
	@$< chapters/00_baseline
$B/docs/models: docs/figures/models.cpp | $(call have,compiler)
	@mkdir -p $(@D)
	@$(COMPILE) $(FAST) -MMD -MP -Ichapters/support $< -o $@

FORMATTED := $(wildcard chapters/*/*.cpp chapters/*/downloads*.hpp chapters/support/*.hpp solutions/*/*.hpp tests/*.cpp \
  tests/support/*.[ch]pp tests/support/*/*.[ch]pp tests/explorer/self_test/*.[ch]pp tests/forgery/*.[ch]pp bench/*.cpp \
  bench/*/*.[ch]pp docs/figures/*.cpp)
format: | $(call have,format)
	@clang-format -i $(FORMATTED)
# Each version of clang-format has its own mind; the course keeps to that of Debian 12.
format-check: | $(call have,format)
	@case "$$(clang-format --version)" in \
	*' 14.'*) clang-format --dry-run --Werror $(FORMATTED) ;; \
	*) echo "not checked: this is $$(clang-format --version), and the course's format is that of version 14" ;; esac

compile_commands.json:
	@{ echo '['; $(foreach n,$(NUMBERS),$(foreach t,chapters solutions,\
	  $(call command,$n,$t/$(name_$n),$(wildcard $t/$(name_$n)/*.hpp chapters/$(name_$n)/recipe.cpp tests/$(name_$n)_test.cpp bench/$(name_$n)_bench.cpp)))) \
	  echo ']'; } | sed -z 's/,\n]/\n]/' >$@
# One line for each file of $3, compiled as chapter number $1 with the headers in folder $2.
command = $(foreach f,$3,printf '{"directory": "%s", "file": "%s", "command": "%s"},\n' '$(CURDIR)' '$f' \
  '$(CXX) $(FLAGS) -x c++ -Itests/support -Ibench/support $(call includes,$1,$2) -c $f';)

clean:
	@rm -rf build compile_commands.json

.PHONY: errors explorer-test explorer-table explored-from help run test check solutions starters starters-check starters-fail ladder mutants test-from bench peers bench-smoke \
  tools-test parity links docs figures format format-check clean grade next mine sanitize-thread sanitize-address compile_commands.json

.DEFAULT:
	@echo "make: there is no command '$@'. The chapters are $(NUMBERS); make help lists the commands." >&2; exit 2
