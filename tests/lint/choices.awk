# Reads FILE:LINE:text of bare.awk. Finds chains of three or more ?:, which are hard to read; write an if or a table. A comma outside a ?:
# ends a chain: `f(a ? 1 : 2, b ? 1 : 2)` is two of them.
{
    match($0, /^[^:]*:[0-9]+:/)
    place = substr($0, 1, RLENGTH - 1)
    text = substr($0, RLENGTH + 1)
    if (text ~ /^#/)
        next
    while (match(text, /[?;{}(),]/)) {
        mark = substr(text, RSTART, 1)
        text = substr(text, RSTART + 1)
        if (mark == "(")
            depth++
        else if (mark == ")")
            depth--
        else if (mark == "?") {
            if (marks++ == 0)
                first = depth
            if (marks == 3)
                print place ": a chain of three ?: in one statement"
        } else if (mark != "," || depth <= first)
            marks = 0
        if (mark ~ /[;{}]/)
            depth = 0
        if (marks && depth < first)
            marks = 0
    }
}
