# A function in a header needs a comment above it, or must share a block (no blank line between) with a function that has one.
# X_release and X_free need no comment: support/own.h says what they do.
FNR == 1 {
    described = 0
    inside = 0
}
/^[ ]*$/ { described = 0; next }
/^#define|\\$/ { next }
/\/\*/ { described = 1 }
/^(struct|enum|union) .*\{/ { inside = 1 }
inside { if (/^}/) inside = 0; next }
/^(static|DEFINE_|#)/ { next }
/^[a-z].*\(/ && !/^void [a-z_]+_(release|free)\(struct [a-z_]+ \*[a-z_]+\);$/ && !described { print FILENAME ":" FNR ": " $0 }
