# The server, as it is served: by curl, by hostile clients, by a browser, under faults. LONG=yes does by chance what it
# does by chance much more often. PICTURES=folder keeps pictures of the page.
SERVED += served-13
served-13: $B/solution/13_server/recipe | $(call have,python)
	@LONG='$(LONG)' python3 -B tests/13_server/served_test.py $<
	@python3 -B tests/13_server/page_test.py $< $(PICTURES)
# Its bench is asked by wrk.
$(foreach tree,solution learner,$B/$(tree)/13_server/bench) $B/peers/13_server: | $(call have,wrk)
