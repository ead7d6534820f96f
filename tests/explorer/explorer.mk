# How the schedule explorer is built, $X/explorer.o, and tried.

UNSAN = $(filter-out -fsanitize% -fno-sanitize%,$(FLAGS))
# That ThreadSanitizer knows nothing of fences is no concern of ours; and the hooks hide from g++ what is initialised.
HOOKED   := -O1 -g1 -Itests/explorer -Itests/support $(if $(CLANG),,-Wno-tsan -Wno-maybe-uninitialized)
EXPLORED  = $(UNSAN) $(HOOKED) -fsanitize=thread -fno-pie
STRESSED  = $(FLAGS) $(HOOKED) $(if $(SAN),,-fsanitize=thread)
link_explored = $(CXX) -no-pie -pthread $1 $X/explorer.o $2 -lgtest -Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset

RUNTIME := $(patsubst tests/%.cpp,$X/%.o,$(wildcard $(addprefix tests/explorer/,*.cpp runtime/*.cpp runtime/*/*.cpp)) \
  tests/grader/symbols.cpp tests/grader/text.cpp)
$(RUNTIME): $X/%.o: tests/%.cpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(UNSAN) -O2 -g1 -fno-pie -MMD -MP -Ichapters/support -c $< -o $@
$X/explorer.o: $(RUNTIME)
	@$(CXX) -r -nostdlib $(if $(CLANG),,-no-pie) $^ -o $@

X_PRELUDE := $X/$(notdir $(PRELUDE))
$(X_PRELUDE): tests/support/prelude.hpp | $(call have,compiler) $(call have,gtest)
	@mkdir -p $(@D) && cp $< $X/prelude.hpp
	@$(CXX) $(EXPLORED) -x c++-header $< -o $@

# Empty if schedules can be explored here, with this compiler; otherwise it says why not.
$X/works: tests/explorer/self_test/canary.cpp $X/explorer.o $(SUPPORT)
	@{ $(CXX) $(EXPLORED) $< -c -o $X/canary.o && $(call link_explored,$X/canary.o) -o $X/canary && $X/canary; } \
	  >$@.log 2>&1 && cp /dev/null $@ || tail -n 1 $@.log >$@

# The explorer, tried: programs that are wrong, programs that are not, and what the memory model allows.
SELF_TESTS := $(patsubst tests/%.cpp,$X/%.o,$(filter-out %/canary.cpp %/table.cpp %/table_runs.cpp,\
  $(wildcard tests/explorer/self_test/*.cpp)))
$(SELF_TESTS) $X/explorer/self_test/table.o: $X/%.o: tests/%.cpp $(X_PRELUDE)
	@mkdir -p $(@D)
	@$(CCACHE) $(CXX) $(EXPLORED) -include $X/prelude.hpp -MMD -MP -c $< -o $@
$X/self_test: $(SELF_TESTS) $X/explorer.o $B/support/main.o
	@$(call link_explored,$(SELF_TESTS),$B/support/main.o) -o $@
explorer-test: $X/self_test $X/works
	@if [ -s $X/works ]; then echo "Not tried, for schedules are not explored here: `cat $X/works`"; \
	  else sh tests/explorer/self_test/run.sh $<; fi

# What finds the typical bugs: the same programs, built as they are, with ThreadSanitizer and for the explorer.
TABLE := $(addprefix tests/explorer/self_test/table,_programs.cpp _runs.cpp)
$X/table_native $X/table_thread: $X/table_%: $(TABLE) tests/explorer/self_test/table_programs.hpp \
  | $(call have,compiler)
	@mkdir -p $(@D)
	@$(CXX) $(UNSAN) -O1 -g $(if $(filter thread,$*),-fsanitize=thread) $(TABLE) -o $@
$X/table: $X/explorer/self_test/table.o $X/explorer/self_test/table_programs.o $X/explorer.o
	@$(call link_explored,$(filter-out %/explorer.o,$^)) -o $@
explorer-table: $X/table $X/table_native $X/table_thread
	@TSAN_OPTIONS=halt_on_error=1:report_thread_leaks=0 $X/table $X/table_native $X/table_thread

-include $(wildcard $(RUNTIME:.o=.d) $(SELF_TESTS:.o=.d))
.PHONY: explorer-test explorer-table
