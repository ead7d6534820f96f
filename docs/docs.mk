# The lessons and the reference as web pages, and the figures that are recorded.

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
-include $(wildcard $B/docs/models.d)

.PHONY: docs figures
