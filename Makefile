# Async from Scratch: what learners and instructors type. `make help` lists it.
# How it is built stands beside what is built: tests/tests.mk, which includes
# tests/explorer/explorer.mk, bench/bench.mk and docs/docs.mk.

# What each chapter builds on. It is graded against the reference solutions of these, so that a slip in one chapter
# never costs points in another; with BASE=mine it is graded against your own. A chapter is added by its files and a
# line here.
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
needs_11 := 09
needs_12 := 07 10
needs_13 := 04 05 11 12
needs_14 := 04
# The libraries that a chapter stands on, as tests/tools/install_dependencies.sh calls them.
libraries_04 := cereal
libraries_13 := beast json sqlite
libraries_14 := mpi
# How a chapter's programs are started, if not just so.
started_by_14 = mpirun --allow-run-as-root --oversubscribe -n 5
# The chapter whose recipe `make run` runs: the last that has the cookbook's first one.
main_recipe := 04

# ---- Knobs ---------------------------------------------------------------------------------------------------------

# SAN and BASE are read from the command line alone: the environment is not to choose what is graded.
CXX    := $(if $(filter default,$(origin CXX)),g++,$(CXX))
SAN    :=#     thread or address: build with a sanitizer
BASE   :=#     mine: build on your own chapters
FILTER ?=#     Step2_*: only these tests
REPLAY ?=#     12.1,3.2: explored tests run only this schedule
ARGS   ?=#     handed to a recipe or a bench
export CXX SAN BASE
export EXPLORE_REPLAY = $(REPLAY)

ifneq ($(filter-out thread address,$(SAN))$(word 2,$(SAN)),)
  $(error SAN=$(SAN) is not known: it may be thread or address)
endif
ifneq ($(filter-out mine,$(BASE))$(word 2,$(BASE)),)
  $(error BASE=$(BASE) is not known: it may be mine)
endif

# ---- Names ---------------------------------------------------------------------------------------------------------

# CHAPTERS=… chooses some of them. They still stand on the others.
ALL      := $(notdir $(wildcard solutions/[0-9][0-9]_*))
CHAPTERS := $(ALL)
number    = $(firstword $(subst _, ,$1))
NUMBERS  := $(foreach chapter,$(CHAPTERS),$(call number,$(chapter)))
name      = $(filter $1_%,$(ALL))

# The numbers of all chapters below number $1.
below = $(sort $(foreach n,$(needs_$1),$n $(call below,$n)))

# ---- For learners --------------------------------------------------------------------------------------------------

.DEFAULT_GOAL := help
help:
	@sed -n 's/^#: \{0,1\}//p' Makefile | sed 's/^Chapters NN/Chapters $(NUMBERS)/'

#: Async from Scratch: build your own concurrent.futures and asyncio
#:
#:   make run            the cookbook's recipe on the reference: sequential, a thread pool, a process pool
#:   make test           all tests on the reference solutions; all starters fail as they should
#:
#: Chapters NN. With 01 for any of them:
#:   make 01             grade your chapter 01         make next         what to do next
#:   make watch-01       grade it at every save        make grade        grade all chapters
#:   make recipe-01      run its program on your code  make run-01       … on the reference
#:   make bench-01       you, the reference and the    make solution-01  its tests on the reference
#:                       sequential baseline           make diff-01      what differs from the reference
#:   make reset-01       a fresh starter; yours stays  make mine         all tests on your own chapters
#:                       beside it                     make hint-01      a nudge: what is often wrong where
#:                                                                       the first test fails; again: the next
#:
#: For those who look closer
#:   make bench          all benches                   make peers        … against oneTBB, Asio, libuv
#:   make docs           the lessons and the reference as web pages, in build/docs/html
#:   make check          what CI runs beyond `make test`; it is made of
#:                       starters-check ladder-in-turn mutants-in-turn kinds right errors random clients
#:                       hosts served tools-test explorer-test
#:                       sanitize-thread sanitize-address parity links docs bench-smoke format-check
#:   make mutants        all wrong solutions: each is caught by the tests that it names
#:   make explorer-test  the schedule explorer on      make explorer-table  … beside ThreadSanitizer,
#:                       programs right and wrong                           on eleven typical bugs
#:   make starters       chapters/*/*.hpp anew from the solutions
#:   make figures        the recorded figures anew
#:   make format         clang-format                  make compile_commands.json  for clangd and IDEs
#:   make clean          removes build/
#:
#: Knobs: FILTER='Step2_*'  REPLAY=1.1,10.1  ARGS='--workers 2'  SAN=thread|address  BASE=mine  CXX=clang++-16

include tests/tests.mk bench/bench.mk docs/docs.mk

# The learner's chapter, or the reference's, tested: `make 03`, `make solution-03`.
$(NUMBERS): %: $$(call submission,$$*) $(GRADE)
	@$(grade) $(graded)
$(NUMBERS:%=solution-%): solution-%: $$(call binaries,solution,$$*) $(GRADE)
	@$(grade) --again 'make $@' $(graded)

# A known mistake that fails the first test that fails, and at the next call the next one.
$(NUMBERS:%=hint-%): hint-%: $$(call submission,$$*) $(GRADE)
	@$(grade) --hint build/hints/$* --again 'make $*' $(graded)

# First results in which nothing has run: if a compilation is cut off, those of an earlier run do not stand there.
grade: grade-begun $(call submission,$(NUMBERS)) $(GRADE)
	@$(grade) $(grade_files) $(graded)
grade-begun: $(GRADE)
	@mkdir -p build && $(grade) --not-yet $(grade_files) $(call binaries,learner,$(NUMBERS))
grade_files := --json build/grade.json --junit build/grade.xml
# Chapter by chapter, up to the first in which something is left to do: what comes behind it need not be built.
next:
	@for n in $(NUMBERS); do $(MAKE) --no-print-directory next-$$n || exit; [ -e build/next/$$n.done ] || break; done; \
	  cat build/next/$$n
$(NUMBERS:%=next-%): next-%: $$(call submission,$$*) $(GRADE)
	@mkdir -p build/next && rm -f build/next/$*.done
	@$(grade) --next $(graded) >build/next/$* && touch build/next/$*.done; true
mine:
	@$(MAKE) --no-print-directory BASE=mine grade
	@for n in $(NUMBERS); do $(MAKE) --no-print-directory BASE=mine recipe-$$n ARGS='$(ARGS)' || exit; done

run: run-$(main_recipe)
$(NUMBERS:%=run-%): run-%: $$B/solution/$$(call name,$$*)/recipe
	@$(started_by_$*) $< $(ARGS)
$(NUMBERS:%=recipe-%): recipe-%: $$B/learner/$$(call name,$$*)/recipe
	@$(started_by_$*) $< $(ARGS)
$(NUMBERS:%=diff-%): diff-%:
	@for f in solutions/$(call name,$*)/*.hpp; do diff -u chapters/$(call name,$*)/$${f##*/} $$f; done; true
$(NUMBERS:%=reset-%): reset-%:
	@sh tests/tools/starters.sh --keep $(call name,$*)
$(NUMBERS:%=watch-%): watch-%:
	@sh tests/tools/watch.sh chapters/$(call name,$*) $(MAKE) --no-print-directory $*

clean:
	@rm -rf build compile_commands.json

.PHONY: help run grade grade-begun next mine clean $(NUMBERS) \
  $(foreach t,solution hint next run recipe diff reset watch,$(NUMBERS:%=$t-%))
.DEFAULT:
	@echo "make: there is no command '$@'. The chapters are $(NUMBERS); make help lists the commands." >&2; exit 2
