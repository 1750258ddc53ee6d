# Reads FILE:LINE:text of bare.awk. A function reaches from "{" to "}" in the first column. Callbacks named on_... may have more
# parameters, because a library prescribes them.
function finish_head(    depth, i, c, parameters, open) {
    sub(/__attribute__.*$/, "", head)
    open = index(head, "(")
    if (!open)
        return
    parameters = 1
    depth = 0
    for (i = open; i <= length(head); i++) {
        c = substr(head, i, 1)
        if (c == "(")
            depth++
        else if (c == ")" && --depth == 0)
            break
        else if (c == "," && depth == 1)
            parameters++
    }
    if (parameters > 6 && head !~ /[ *]on_[a-z_]+\(/)
        print file ":" line ": " parameters " parameters"
}
{
    match($0, /^[^:]*:[0-9]+:/)
    split(substr($0, 1, RLENGTH - 1), place, ":")
    text = substr($0, RLENGTH + 1)
    if (place[1] != file) {
        file = place[1]
        head = ""
        inside = 0
    }
    line = place[2]
    lines++
}
text ~ /^{/ && head ~ /\)[ ]*$/ {
    finish_head()
    inside = 1
    start = line
    lines = 1
    head = ""
    next
}
text ~ /^}/ {
    if (inside && lines > 60)
        print file ":" start ": " lines " lines in one function"
    inside = 0
    head = ""
    next
}
!inside {
    if (text ~ /^[ ]*$/ || text ~ /[;}][ ]*$/ || text ~ /^#/) {
        # A prototype counts too.
        if (text ~ /;[ ]*$/ && (head text) ~ /^[a-z].*\(/ && (head text) !~ /=/) {
            head = head text
            finish_head()
        }
        head = ""
    } else
        head = head text " "
}
