# Prints C files as FILE:LINE:text without comments and without the content of strings and character constants.
# Leaves out blank lines, which no rule needs.
FNR == 1 { comment = 0 }
/^[ \t]*$/ { next }
{
    out = ""
    text = $0
    while (text != "") {
        if (comment) {
            end = index(text, "*/")
            if (!end)
                break
            text = substr(text, end + 2)
            comment = 0
            continue
        }
        if (!match(text, /\/\*|\/\/|"|'/)) {
            out = out text
            break
        }
        out = out substr(text, 1, RSTART - 1)
        mark = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (mark == "//")
            break
        if (mark == "/*") {
            comment = 1
            continue
        }
        pattern = mark == "\"" ? "^([^\"\\\\]|\\\\.)*\"" : "^([^'\\\\]|\\\\.)*'"
        if (match(text, pattern))
            text = substr(text, RLENGTH + 1)
        out = out mark mark
    }
    print FILENAME ":" FNR ":" out
}
