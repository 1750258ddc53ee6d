# Notes that promise work for later don't belong into the tree. The pattern is written so that it doesn't find itself.
/(^|[^A-Za-z0-9_])(TO[D]O|FIX[M]E|XX[X]|HAC[K])([^A-Za-z0-9_]|$)/ { print FILENAME ":" FNR ": " $0 }
