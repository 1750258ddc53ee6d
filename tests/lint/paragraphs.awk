# Reads C files. At least 60 percent of the functions with 10 to 19 lines must have a blank line in their body.
FNR == 1 { inside = 0 }
/^\{/ { inside = 1; lines = 0; blank = 0; next }
/^\}/ {
    if (inside && lines >= 10 && lines <= 19) {
        count++
        parted += blank > 0
        if (!blank)
            whole = whole "\n" FILENAME ":" FNR ": ends a function of " lines " lines without a paragraph"
    }
    inside = 0
    next
}
!inside { next }
/^[ ]*$/ { blank++; next }
{ lines++ }
END {
    if (parted * 100 < count * 60)
        print parted " of " count " functions with 10 to 19 lines have a paragraph break; 60 in 100 should" whole
}
