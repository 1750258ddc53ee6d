# Compares the option tables of a page, docs/VERB.md, with the output of `lbuild help VERB`, which is the first file. A row is
#     | `-C DIR`, `--directory DIR` | The line of help. And whatever the page adds. |
# The page may mark up the words of the help line: ` and ' are ignored.
function plain(text) {
    gsub(/[`']/, "", text)
    return text
}
FNR == NR {
    if ($0 !~ /^ +(-[a-zA-Z], )?--[a-z]/)
        next
    count = split($0, word, " ")
    at = word[1] ~ /,$/ ? 2 : 1
    letter = at == 2 ? substr(word[1], 1, 2) : ""
    name = word[at]
    # If two blanks follow the name, the option has no value: they stand before the help.
    value = index($0, name "  ") ? "" : " " word[at + 1]
    text = substr($0, index($0, name) + length(name value))
    sub(/^ +/, "", text)
    cell = (letter ? "`" letter value "`, " : "") "`" name value "`"
    help[cell] = plain(text)
    order[++options] = cell
    next
}
/^\| `-/ {
    gsub(/\\\|/, "\001")
    split($0, column, / *\| */)
    gsub(/\001/, "|", column[2])
    gsub(/\001/, "|", column[3])
    seen[column[2]]++
    if (!(column[2] in help))
        print FILENAME ":" FNR ": the program has no option " column[2]
    else if (index(plain(column[3]), help[column[2]]) != 1)
        print FILENAME ":" FNR ": " column[2] " must begin with the program's help: " help[column[2]]
}
END {
    for (i = 1; i <= options; i++)
        if (seen[order[i]] != 1)
            print page ": needs one row for " order[i]
}
