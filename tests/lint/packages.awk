# Reads the table of packages, then templates. Reports packages of a template that the table lacks, and mistakes in the table.
BEGIN { FS = "\t" }
FNR == 1 {
    judge()
    section = ""
    table = FILENAME ~ /\.tsv$/
    rows = 0
}
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
section ~ /^\[input:/ && /^choices *=/ {
    name = section
    gsub(/^\[input:|\]$/, "", name)
    sub(/^choices *= */, "")
    choices[name] = $0
}
section == "[packages]" {
    line = $0
    if (match(line, /^[a-z0-9]+ *= */)) {
        release = line
        sub(/ *=.*/, "", release)
        line = substr(line, RLENGTH + 1)
    }
    sub(/[ ;]*;.*/, "", line)
    count = split(line, words, " ")
    for (i = 1; i <= count; i++) {
        names[++named] = words[i]
        places[named] = FILENAME ":" FNR
        releases[named] = release
    }
}
END { judge() }

# In a template, the inputs come after the packages whose names use them.
function judge(    n) {
    for (n = 1; n <= named; n++)
        each_of(names[n], n)
    named = 0
    split("", choices)
}

# AWS's base images and their builders are AL2023.
function each_of(word, n,    release, input, rest, parts, count, i) {
    if (match(word, /\{\{input:[a-z0-9-]+\}\}/)) {
        input = substr(word, RSTART + 8, RLENGTH - 10)
        rest = substr(word, RSTART + RLENGTH)
        word = substr(word, 1, RSTART - 1)
        if (!(input in choices))
            print places[n] ": the package is named by the input " input ", which has no choices"
        count = split(choices[input], parts, " ")
        for (i = 1; i <= count; i++)
            each_of(word parts[i] rest, n)
        return
    }
    release = releases[n] == "aws" ? "al2023" : releases[n]
    if (!((release, word) in known))
        print places[n] ": " release "'s package " word " has no row in templates/packages.tsv"
}
