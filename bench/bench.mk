compare-test:
