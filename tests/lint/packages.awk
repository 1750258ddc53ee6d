# Reads the table of packages, then templates; says which package of a template isn't in it, and what is wrong in it.
BEGIN { FS = "\t" }
FNR == 1 { section = ""; table = FILENAME ~ /\.tsv$/; rows = 0 }
table && /^#/ { next }
table {
    if (NF != 4 || $1 !~ /^(al2023|al2|debian|alpine)$/ || $2 !~ /^[a-zA-Z0-9][a-zA-Z0-9.+_-]*$/ || $3 !~ /^[SU]$/ || $4 == "")
        print FILENAME ":" FNR ": not a row of release, package, S or U, source"
    if (rows++ && $1 FS $2 <= last)
        print FILENAME ":" FNR ": " $1 " " $2 " is there twice or out of order"
    last = $1 FS $2
    known[$1, $2] = 1
    next
}
/^---$/ { section = "body" }
section == "body" { next }
/^\[/ { section = $0; next }
section == "[packages]" {
    line = $0
    if (match(line, /^[a-z0-9]+ *= */)) {
        release = line
        sub(/ *=.*/, "", release)
        line = substr(line, RLENGTH + 1)
    }
    sub(/[ ;]*;.*/, "", line)
    count = split(line, words, " ")
    for (i = 1; i <= count; i++)
        if (!((release, words[i]) in known))
            print FILENAME ":" FNR ": " release "'s package " words[i] " has no row in templates/packages.tsv"
}
