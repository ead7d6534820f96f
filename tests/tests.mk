# How tests are built and graded. A source of tests is an object and a binary:
#
#   tests/06_event_loop/step3_timers_test.cpp  →  build/g++/solution/06_event_loop/step3_timers_test
#
# `solution` is a tree: the headers that the chapter's tests are built with are those of solutions/06_event_loop. For
# the tree `learner` they are those of chapters/06_event_loop, and for any other, which a script has made, those in
# its folder headers/06_event_loop: the ladder and the mutants are such trees.

# What this compiler builds, with these knobs.
space := $() $()
comma := ,
COMPILER := $(subst $(space),_,$(notdir $(CXX)))
B := build/$(COMPILER)$(SAN:%=-%)$(BASE:%=-%)

CLANG := $(findstring clang,$(CXX))
FLAGS := -std=c++2b -pthread -Wall -Wextra -Wno-unused-parameter $(if $(CLANG),-Wno-unused-private-field)
# That ThreadSanitizer knows nothing of fences costs no warning: what they order is published by stores with release
# too.
FLAGS += $(if $(filter thread,$(SAN)),-fsanitize=thread $(if $(CLANG),,-Wno-tsan))
# With it g++ makes a coroutine's symmetric transfer a jump even where it does not optimise; clang++ does so anyway.
FLAGS += $(if $(CLANG),,-foptimize-sibling-calls)
FLAGS += $(if $(filter address,$(SAN)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined)
# A null pointer and an object that is too small are AddressSanitizer's to find anyway, and x86 forgives what is not
# aligned: to check these at each access takes a third of the compilation. So does checking in line, not by calls.
FLAGS += $(if $(filter address,$(SAN)),-fno-sanitize=null$(comma)object-size$(comma)alignment \
  $(if $(CLANG),-mllvm -asan-instrumentation-with-call-threshold=0,--param asan-instrumentation-with-call-threshold=0))
FAST  := -O2 -g -DNDEBUG
# Lines are known to a debugger and variables are not, which is an eighth less to compile: with CXX='g++ -g3' they
# are.
TESTING := -O0 -g1 -Itests/support $(if $(CLANG),,-ffold-simple-inlines)
# A compiler that has memory to spare need not tidy up so often.
TESTING += $(if $(CLANG),,--param ggc-min-expand=200 --param ggc-min-heapsize=1000000)

MAKEFLAGS += --no-builtin-rules $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc 2>/dev/null || echo 2))
CCACHE  := $(if $(findstring ccache,$(CXX)),,$(shell command -v ccache))
COMPILE  = $(CCACHE) $(CXX) $(FLAGS)
.DELETE_ON_ERROR:
# Objects are kept. (.SECONDARY would do so too, but then a header that has gone would be no reason to compile anew.)
.PRECIOUS: $B/%_test.o $B/%_once.o $B/%explored.o
# A prerequisite with $$ is expanded once more when its target is known, and with it $$*.
.SECONDEXPANSION:

# Sees to it, once, that what is needed is there: build/have/gtest-g++, build/have/benchmark-g++, …
have = build/have/$1-$(COMPILER)
build/have/%-$(COMPILER):
	@mkdir -p $(@D) && flock $(@D) sh tests/tools/install_dependencies.sh compiler $* && touch $@
# What number $1 and those below it stand on.
libraries = $(foreach n,$1 $(call below,$1),$(foreach library,$(libraries_$n),$(call have,$(library))))

# What the compiler and the linker are told for a library that is not simply there.
compile_mpi = -DOMPI_SKIP_MPICXX $(patsubst -I%,-isystem %,$(shell mpicxx --showme:compile))
link_mpi    = $(shell mpicxx --showme:link)
link_sqlite = -lsqlite3
told = $(foreach n,$2 $(call below,$2),$(foreach library,$(libraries_$n),$($1_$(library))))

# Of the linkers the one that takes half the time, where it is there.
LINK = $(CXX) $(FLAGS) $(FASTER_LINKER)
FASTER_LINKER := $(if $(shell command -v ld.gold),-fuse-ld=gold)

# What a test's own code asks malloc() for is counted with what it asks operator new for: tests/support/allocations.cpp.
COUNTED := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free

# The program that grades. None of a learner's code is in it.
GRADE := build/$(COMPILER)/tools/grade

# ---- A tree --------------------------------------------------------------------------------------------------------

# Of learner/06_event_loop/step3_timers_test: the tree, the chapter, the source (which a tree may have a version of),
# the headers, the include path.
tree     = $(firstword $(subst /, ,$1))
chapter  = $(word 2,$(subst /, ,$1))
source   = $(or $(wildcard $B/$(call tree,$1)/$(call tests,$1)),$(call tests,$1))
tests    = tests/$(patsubst $(call tree,$1)/%,%,$1).cpp
# from_TREE says where the headers of that tree are; a tree without it has a folder headers/ of its own.
from_solution = solutions/$(call chapter,$1)
from_learner  = chapters/$(call chapter,$1)
headers  = $(or $(call from_$(call tree,$1),$1),$B/$(call tree,$1)/headers/$(call chapter,$1))
below_in = $(if $(BASE),chapters,solutions)
includes_below = -Ichapters/support $(foreach n,$(call below,$(call number,$1)),-I$(below_in)/$(call name,$n)) \
  $(call told,compile,$(call number,$1))
includes = -I$(call headers,$1) $(call includes_below,$(call chapter,$1))
needed   = $(call libraries,$(call number,$(call chapter,$1)))

# EXTRA are further flags, from a script that builds a tree of its own.

# What a learner hands in is read before it is compiled: it may contain what the grader's list has, and nothing else.
# With BASE=mine that goes for the chapters below, too. $B/learner/06_event_loop/refused says what was found; it is read
# anew for each command, because a file may have come that no object knows of.
inspected = $(if $(filter learner,$(call tree,$1)),$B/learner/$(call chapter,$1)/inspected)
$B/learner/%/inspected: FORCE | $(GRADE)
	@mkdir -p $(@D) && rm -f $(@D)/too_costly $(@D)/warned && $(GRADE) --refused $(@D)/refused \
	  $(addprefix --inspect chapters/,$* $(if $(BASE),$(foreach n,$(call below,$(call number,$*)),$(call name,$n))))
FORCE:

# What the compiler may take for one file with a learner's headers, of the processor's time and of memory; then the
# chapter does not compile.
COMPILE_SECONDS := 120
COMPILE_MIB     := 4096
limited = $(if $(filter $B/learner/%,$@),{ ulimit -S -t $(COMPILE_SECONDS); ulimit -v $$(($(COMPILE_MIB) << 10)); } \
  2>/dev/null;)

# What it may say about it, in bytes.
MOST_SAID := 4194304
# Names can be ordinary ones, and those of the system's functions, too: an object tells which was meant.
lawful = $(if $(filter $B/learner/%.o,$@), && { $(GRADE) --object $@ >$@.calls || \
  { cat $@.calls $(@D)/refused 2>/dev/null | sort -u >$@.all; mv $@.all $(@D)/refused; \
    cp $@.calls $@.log; false; }; } && rm $@.calls)

# Compiles $@ by the command $1, unless it was refused. If your code does not compile, that is no reason to stop: the
# grader tells it, from the log. The object is as old as the beginning of its compilation, so that a file that is saved
# meanwhile counts as newer.
attempt = mkdir -p $(@D) && touch $@.began && not=`ls $(@D)/refused $(@D)/too_costly 2>/dev/null | head -n 1`; \
  if [ -n "$$not" ]; then rm -f $@; cp "$$not" $@.log; \
  elif { ($(limited) $1 -MMD -MP -MF $@.d -MT $@ -o $@) 2>&1; echo $$? >$@.status; } | head -c $(MOST_SAID) >$@.log; \
    [ "`cat $@.status; rm $@.status`" = 0 ]$(lawful); \
  then sh tests/tools/warn_once.sh $(@D)/warned <$@.log; rm -f $@.log; touch -r $@.began $@; \
  else rm -f $@; $(if $(limited),sh tests/tools/too_costly.sh $@.log $(COMPILE_SECONDS) $(COMPILE_MIB) \
    $(MOST_SAID),:); fi
# Links $@ by the command $1, if all its objects are there: of one that does not compile there is a log.
link = failed=`for o in $(filter %.o,$^); do [ -e $$o ] || echo $$o.log; done | head -n 1`; \
  if [ -z "$$failed" ]; then rm -f $@.log && $1 -o $@; else rm -f $@; cp $$failed $@.log; fi

# All tests share a precompiled header and the objects of the test main.
PCH := $(if $(CLANG),pch,gch)
PRELUDE := $B/prelude.hpp.$(PCH)
SUPPORT := $(patsubst tests/%.cpp,$B/%.o,$(wildcard tests/support/*.cpp))
$(PRELUDE): tests/support/prelude.hpp | $(call have,compiler) $(call have,gtest)
	@echo 'What all tests share is compiled once, which takes about a minute.' >&2
	@mkdir -p $(@D) && cp $< $B/prelude.hpp
	@$(CXX) $(FLAGS) $(TESTING) -x c++-header $< -o $@
$(SUPPORT): $B/support/%.o: tests/support/%.cpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D)
	@$(COMPILE) -O1 -g1 -MMD -MP -Itests/support -Ichapters/support -c $< -o $@

# Where a chapter's tests have much in common that knows only what is below the chapter, that is compiled once, and not
# at every edit: tests/10_composition/prelude.hpp takes the place of the header that all tests share, and support.cpp
# has its functions.
PRELUDES := $(patsubst tests/%,$B/%.$(PCH),$(wildcard tests/[0-9]*/prelude.hpp))
COMMON   := $(patsubst tests/%.cpp,$B/%.o,$(wildcard tests/[0-9]*/support.cpp))
common   = $(filter $B/$(call chapter,$1)/%,$(COMMON))
prelude  = $(or $(filter $B/$(call chapter,$1)/%,$(PRELUDES)),$(PRELUDE))
$(PRELUDES): $B/%.$(PCH): tests/% | $(call have,gtest) $$(call libraries,$$(call number,$$*))
	@mkdir -p $(@D) && cp $< $(basename $@)
	@$(call attempt,$(CXX) $(FLAGS) $(TESTING) $(call includes_below,$(*D)) -x c++-header $<)
$(COMMON): $B/%.o: tests/%.cpp $$(call prelude,tree/$$*)
	@$(call attempt,$(CXX) $(FLAGS) $(TESTING) -include $(basename $(call prelude,tree/$*)) \
	  $(call includes_below,$(*D)) -c $<)

# What knows the chapter itself, and is the same in several tests, is compiled once at an edit, and not in each of them:
# a test that includes "served.hpp" is linked with tests/13_server/served_once.cpp.
ONCE  := $(wildcard tests/[0-9]*/*_once.cpp)
once   = $(foreach once,$(filter tests/$(call chapter,$1)/%,$(ONCE)),$(if $(findstring \
  "$(patsubst %_once.cpp,%.hpp,$(notdir $(once)))",$(file <$(call source,$1))),$(dir $B/$1)$(notdir $(once:.cpp=.o))))

compile_test = $(call attempt,$(CXX) $(FLAGS) $(TESTING) $(EXTRA) -include $(basename $(call prelude,$*)) \
  -Itests/$(call chapter,$*) $(call includes,$*) -c $<)
$B/%_test.o: $$(call source,$$*_test) $$(call prelude,$$*) | $$(call needed,$$*) $$(call inspected,$$*)
	@$(compile_test)
$B/%_once.o: $$(call source,$$*_once) $$(call prelude,$$*) | $$(call needed,$$*) $$(call inspected,$$*)
	@$(compile_test)
$B/%_test: $B/%_test.o $$(call once,$$*_test) $$(call common,$$*) $(SUPPORT)
	@$(call link,$(LINK) $^ $(COUNTED) -lgtest $(call told,link,$(call number,$(call chapter,$*))))

$B/%/recipe: chapters/$$(notdir $$*)/recipe.cpp | $(call have,compiler) $$(call needed,$$*)
	@mkdir -p $(@D)
	@$(COMPILE) $(FAST) -MMD -MP $(call includes,$*) $< -o $@ $(call told,link,$(call number,$(call chapter,$*)))

# ---- Explored tests ------------------------------------------------------------------------------------------------

# Schedules are explored with code that is compiled with ThreadSanitizer's hooks and linked with a runtime of ours in
# the place of its own: tests/explorer/README.md. Where a canary finds that this does not work here, and in builds
# with SAN, the same scenarios run many times as they are.
X := build/$(COMPILER)/explorer
include tests/explorer/explorer.mk

# $X/works is empty if schedules can be explored here; otherwise it says why not.
unexplored = [ -n '$(SAN)' ] || [ -s $X/works ]
explored_includes = -Itests/$(call chapter,$1) $(call includes,$1)
$B/%explored.o: $$(call source,$$*explored) $X/works $(X_PRELUDE) | $$(call needed,$$*) $$(call inspected,$$*)
	@if $(unexplored); then $(call attempt,$(CXX) $(STRESSED) $(EXTRA) $(call explored_includes,$*) -c $<); \
	else $(call attempt,$(CXX) $(EXPLORED) $(EXTRA) -include $X/prelude.hpp $(call explored_includes,$*) -c $<); fi
$B/%explored: $B/%explored.o $X/works $X/explorer.o $(SUPPORT)
	@rm -f $@.note; if ! $(unexplored); then $(call link,$(call link_explored,$<,$B/support/main.o)); else \
	  [ -n '$(SAN)' ] || echo "Schedules are not explored here, but run as they come: `cat $X/works`" >$@.note; \
	  $(call link,$(CXX) $(STRESSED) $< tests/explorer/stress/stress.cpp $B/support/main.o -lgtest); fi

$(if $(EXTRA),,$(shell sh tests/tools/forget_stale.sh $B))
# Scripts, which say EXTRA, build what is not there yet.
-include $(if $(EXTRA),,$(wildcard $B/support/*.d $B/[0-9]*/*.d \
  $(foreach tree,solution learner,$(CHAPTERS:%=$B/$(tree)/%/*.d))))

# ---- Grading -------------------------------------------------------------------------------------------------------

GRADER := $(patsubst tests/%.cpp,build/$(COMPILER)/tools/%.o,$(wildcard tests/grader/*.cpp))
$(GRADER): build/$(COMPILER)/tools/%.o: tests/%.cpp | $(call have,compiler)
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(filter-out -fsanitize%,$(FLAGS)) -MMD -MP -c $< -o $@
$(GRADE): $(GRADER)
	@$(CXX) -pthread $^ -o $@
-include $(wildcard $(GRADER:.o=.d))

# FILTER as a word for the shell, whatever is in it.
filter_word := '$(subst ','\'',$(FILTER))'
grade = $(GRADE) $(if $(SAN),--memory none --time 60s,`! [ -s $X/works ] || echo --memory none`) \
  $(LIMITS) $(if $(FILTER),--filter $(filter_word))

# The test binaries of the numbers $2 in the tree $1. If FILTER is about one step, only those that have tests of it.
step_asked := $(if $(findstring :,$(FILTER)),,$(shell printf %s $(filter_word) | grep -o '^Step[0-9]*' | tr -dc 0-9))
asked    = $(or $(if $(step_asked),$(call with_step,$(step_asked),$1)),$1)
with_step = $(shell grep -l '^TEST.Step$1_' $2)
sources  = $(wildcard $(foreach n,$1,tests/$(call name,$n)/*_test.cpp tests/$(call name,$n)/*explored.cpp))
binaries = $(patsubst tests/%.cpp,$B/$1/%,$(call asked,$(call sources,$2)))
# Those of a learner's chapters, which are read anew even if there is nothing to compile.
submission = $(foreach n,$1,$B/learner/$(call name,$n)/inspected) $(call binaries,learner,$1)
graded = $(filter-out $(GRADE) %/inspected grade-begun,$^)

# What a chapter has of its own.
HOSTS :=
SERVED :=
-include $(wildcard tests/[0-9]*/chapter.mk)
hosts: $(HOSTS)
served: $(SERVED)

# ---- For contributors, and CI --------------------------------------------------------------------------------------

CHECKS := starters-check ladder-in-turn mutants-in-turn kinds right errors random clients hosts served tools-test \
  explorer-test sanitize-thread sanitize-address \
  parity links docs bench-smoke format-check
test:
	@MAKE='$(MAKE)' sh tests/tools/run_targets.sh solutions starters-fail
check:
	@MAKE='$(MAKE)' sh tests/tools/run_targets.sh $(CHECKS)

# All chapters take some gigabytes: with GIVE_BACK=yes they are given back if all is well.
solutions: $(call binaries,solution,$(NUMBERS)) $(GRADE)
	@$(grade) --again 'make solutions' $(graded) $(if $(GIVE_BACK),&& rm -rf $B/solution)
sanitize-thread sanitize-address: sanitize-%:
	@$(MAKE) --no-print-directory SAN=$* GIVE_BACK=yes solutions

starters:
	@sh tests/tools/starters.sh $(CHAPTERS)
starters-check:
	@sh tests/tools/starters.sh --check $(CHAPTERS)

# What scripts build trees with: all that does not depend on the tree.
TREES_NEED := $(GRADE) $(SUPPORT) $(PRELUDE) $(PRELUDES) $(COMMON) $X/works $X/explorer.o $(X_PRELUDE)
starters-fail ladder: %: $(TREES_NEED) | $$(call libraries,$(NUMBERS))
	@MAKE='$(MAKE)' sh tests/tools/ladder.sh $(if $(filter ladder,$*),--climb) $(GRADE) $B $(CHAPTERS)
MUTANTS = $(wildcard $(CHAPTERS:%=tests/%/mutants/*.patch))
mutants: $(TREES_NEED) | $$(call libraries,$(NUMBERS)) $(call have,patch)
	@MAKE='$(MAKE)' sh tests/tools/mutants.sh $(GRADE) $B $(MUTANTS)
# A fifth of the mutants and the ladders of half of the chapters, chosen by the commit: so each commit tries others, and
# all are tried in a few.
COMMIT  = 0x$(shell git rev-parse --short=8 HEAD 2>/dev/null || echo 0)
in_turn = "`printf '%s\n' $1 | awk -v turn=$$(( $(COMMIT) % $2 )) 'NR % $2 == turn' | xargs`"
mutants-in-turn:
	@$(MAKE) --no-print-directory mutants MUTANTS=$(call in_turn,$(MUTANTS),5)
ladder-in-turn:
	@$(MAKE) --no-print-directory ladder CHAPTERS=$(call in_turn,$(CHAPTERS),2)
patterns: $(TREES_NEED) | $$(call libraries,$(NUMBERS)) $(call have,patch) $(call have,python)
	@MAKE='$(MAKE)' sh tests/tools/mutants.sh --patterns $(GRADE) $B $(MUTANTS)
RIGHT = $(wildcard $(CHAPTERS:%=tests/%/right/*))
right: $(TREES_NEED) | $$(call libraries,$(NUMBERS))
	@MAKE='$(MAKE)' sh tests/tools/right.sh $(GRADE) $B $(RIGHT)

# What must not compile, and what the first error says.
ERRORS := $(foreach chapter,$(CHAPTERS),$(if $(wildcard tests/$(chapter)/errors.txt),errors-$(call number,$(chapter))))
errors: $(ERRORS)
$(ERRORS): errors-%: | $(call have,compiler) $$(call libraries,$$*)
	@sh tests/tools/must_not_compile.sh tests/$(call name,$*)/errors.txt $(CXX) $(FLAGS) \
	  $(call includes,solution/$(call name,$*))

# The course's own tools, tried: the grader on submissions that cheat, what is given to all, the way of a new chapter.
GIVEN := $(patsubst tests/%.cpp,$B/%,$(wildcard tests/given/*_test.cpp))
$(GIVEN): $B/%: tests/%.cpp $(PRELUDE) $(SUPPORT)
	@mkdir -p $(@D)
	@$(CXX) $(FLAGS) $(TESTING) -MMD -MP -include $B/prelude.hpp -Ichapters/support $< $(SUPPORT) \
	  $(COUNTED) -lgtest -o $@
given-test: $(GIVEN)
	@for test in $^; do $$test --gtest_brief=1 || exit; done
GRADER_TESTS := $B/submission_test $B/hints_test $B/grader_test
$(GRADER_TESTS): $B/%: tests/grader/self_test/%.cpp $(GRADER) $(PRELUDE)
	@$(CXX) $(FLAGS) $(TESTING) -MMD -MP -include $B/prelude.hpp $< $(filter-out %/grade.o,$(GRADER)) -lgtest -o $@
grader-test: $(GRADER_TESTS) $(GRADE) $B/support/main.o
	@sh tests/grader/self_test/build.sh build/forgery $B/support/main.o \
	  $(CXX) $(FLAGS) $(TESTING) -include $B/prelude.hpp
	@for test in $B/submission_test $B/hints_test; do $$test --gtest_brief=1 || exit; done
	@$B/grader_test $(GRADE) build/forgery
tiny-chapter-test: $(TREES_NEED)
	@MAKE='$(MAKE)' sh tests/tools/self_test/tiny_chapter.sh build/tiny_chapter
stale-test: $(TREES_NEED)
	@MAKE='$(MAKE)' sh tests/tools/self_test/stale_test.sh 'build/a path with spaces'
costly-test: $(TREES_NEED)
	@MAKE='$(MAKE)' sh tests/tools/self_test/costly_test.sh build/costly
# HOW_MANY simulated submissions, right, half right, hostile, empty and hanging, graded as instructors do.
HOW_MANY := 12
hundred-test: $(TREES_NEED) | $(call have,python)
	@python3 -B tests/grader/self_test/hundred.py build/hundred $(HOW_MANY)
words-test: $(TREES_NEED)
	@MAKE='$(MAKE)' sh tests/tools/self_test/words_test.sh build/words
links-test:
	@sh tests/tools/self_test/links_test.sh build/links_test
tools-test: given-test grader-test tiny-chapter-test stale-test costly-test words-test hundred-test links-test \
  compare-test
	@cd build && rm -rf tiny_chapter 'a path with spaces' costly words hundred forgery links_test
-include $(wildcard $(GIVEN:=.d) $(GRADER_TESTS:=.d))

# Random programs, run by a chapter and by CPython to the same log: tests/NN_name/random_programs.py, with a .cpp beside
# it. PROGRAMS=10000 for more.
PROGRAMS := 400
of_chapters = $(foreach source,$(wildcard tests/[0-9]*/$1),$(call number,$(word 2,$(subst /, ,$(source)))))
RANDOM   := $(call of_chapters,random_programs.cpp)
$B/solution/%/random_programs: tests/%/random_programs.cpp | $(call have,compiler)
	@mkdir -p $(@D)
	@$(COMPILE) -O1 -MMD -MP $(call includes,solution/$*) $< -o $@
random: $(RANDOM:%=random-%)
$(RANDOM:%=random-%): random-%: $$B/solution/$$(call name,$$*)/random_programs | $(call have,python)
	@python=python3; for newer in python3.14 python3.13; do $$newer -c '' 2>/dev/null && python=$$newer && break; done; \
	  $$python -B tests/$(call name,$*)/random_programs.py $< $(PROGRAMS)

# Programs that others have written, as clients and as servers: tests/NN_name/real_clients.py, with a .cpp beside it,
# and the chapter's recipe.
CLIENTS := $(call of_chapters,real_clients.cpp)
$B/solution/%/real_clients: tests/%/real_clients.cpp | $(call have,compiler) $$(call needed,solution/$$*)
	@mkdir -p $(@D)
	@$(COMPILE) -O1 -MMD -MP $(call includes,solution/$*) $< -o $@
clients: $(CLIENTS:%=clients-%)
$(CLIENTS:%=clients-%): clients-%: $$B/solution/$$(call name,$$*)/real_clients $$B/solution/$$(call name,$$*)/recipe \
  | $(call have,python) $(call have,clients)
	@python3 -B tests/$(call name,$*)/real_clients.py $^

# Each behaviour of Python that is ours is cited by a test; what the pages point to is there.
parity links kinds: %:
	@sh tests/tools/$*.sh

FORMATTED := $(wildcard chapters/*/*.cpp chapters/*/downloads*.hpp \
  chapters/support/*.hpp solutions/*/*.hpp solutions/*/before_step*/*.hpp \
  tests/[0-9]*/*.[ch]pp tests/[0-9]*/right/*/*.hpp bench/*/*.[ch]pp docs/figures/*.cpp \
  $(patsubst %,tests/%/*.[ch]pp,given support support/main grader grader/self_test explorer/self_test))
format: | $(call have,format)
	@clang-format -i $(FORMATTED)
# Each version of clang-format has its own mind; the course keeps to that of Debian 12.
format-check: | $(call have,format)
	@case "$$(clang-format --version)" in \
	*' 14.'*) clang-format --dry-run --Werror $(FORMATTED) ;; \
	*) echo "not checked: this is $$(clang-format --version), and the course's format is that of version 14" ;; esac

compile_commands.json:
	@sh tests/tools/compile_commands.sh $(foreach tree,solution learner,$(foreach chapter,$(CHAPTERS),\
	  '$(CXX) $(FLAGS) -Itests/support -Itests/explorer -Ibench/support $(call includes,$(tree)/$(chapter))' \
	  $(call headers,$(tree)/$(chapter)) $(chapter))) >$@

.PHONY: test check solutions sanitize-thread sanitize-address starters starters-check starters-fail ladder mutants \
  mutants-in-turn ladder-in-turn patterns right errors $(ERRORS) clients $(CLIENTS:%=clients-%) hosts $(HOSTS) \
  served $(SERVED) given-test grader-test tiny-chapter-test \
  stale-test costly-test words-test hundred-test links-test tools-test random $(RANDOM:%=random-%) parity links kinds \
  format format-check compile_commands.json
