# Checks #include "..." lines of src/ against the order file (variable `order`).
function unit(path) {
    sub(/\.[ch]$/, "", path)
    if (path ~ /\//)
        sub(/[^\/]*$/, "", path)
    return path
}
BEGIN {
    while ((getline line < order) > 0)
        if (line !~ /^#/ && line != "") {
            count++
            for (n = split(line, units, " "); n > 0; n--)
                rank[units[n]] = count
        }
}
FNR == 1 {
    own = unit(substr(FILENAME, 5))
    if (!(own in rank))
        print FILENAME ":1: give '" own "' a place in tests/lint/order"
}
/^#include "/ {
    split($0, part, "\"")
    if (part[2] == "config.h")
        next
    other = unit(part[2])
    if (!(other in rank))
        print FILENAME ":" FNR ": '" part[2] "' has no place in tests/lint/order"
    else if (own in rank && rank[other] < rank[own])
        print FILENAME ":" FNR ": '" part[2] "' stands above in tests/lint/order"
    else if (own in rank && rank[other] == rank[own] && other != own)
        print FILENAME ":" FNR ": '" part[2] "' stands beside in tests/lint/order"
    if (other != own && part[2] ~ /\/(parts|reading)\.h$/)
        print FILENAME ":" FNR ": '" part[2] "' is its folder's own"
}
