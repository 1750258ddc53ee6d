# Finds notes that promise work for later, which don't belong in the tree. The pattern is written so that it doesn't find itself.
/(^|[^A-Za-z0-9_])(TO[D]O|FIX[M]E|XX[X]|HAC[K])([^A-Za-z0-9_]|$)/ { print FILENAME ":" FNR ": " $0 }
