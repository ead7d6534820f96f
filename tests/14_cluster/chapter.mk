# The cluster's programs on machines of their own, where namespaces of the network are to be had.
HOSTS += hosts-14
hosts-14: $B/solution/14_cluster/recipe $B/solution/14_cluster/step4_submit_test | $(call have,ip)
	@sh tests/14_cluster/on_hosts.sh $^
