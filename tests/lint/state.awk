# Reads FILE:LINE:text of bare.awk (src/ only). Finds variables at file level that are not const. Allowed are the log's state,
# variables that a signal handler sets, and the tables of lazily loaded libraries (DL_TABLE makes them, so they don't look like variables).
{
    match($0, /^[^:]*:[0-9]+:/)
    place = substr($0, 1, RLENGTH)
    text = substr($0, RLENGTH + 1)
}
text !~ /^(static|volatile|_Thread_local|int|char|bool|struct [a-z_]+ \*?[a-z_]+( =|;|\[)|unsigned|size_t|void \*)/ { next }
text ~ /\(/ && text !~ /=/ { next }
text ~ /\*const |const [a-z_]+\[|\] = |extern/ && text ~ /const/ { next }
text ~ /^(static )?const / && text !~ /const [a-z_ ]*\*[a-z_]+( =|;)/ { next }
text ~ /^static inline/ { next }
text ~ /^struct [a-z_]+;/ { next }
place ~ /^src\/support\/log\.c:/ && text ~ /^static struct log_state \{/ { next }
place ~ /^src\/support\/process\.c:/ && text ~ /^static volatile sig_atomic_t/ { next }
text ~ /[;=]/ { print place " " text }
text ~ /^static struct [a-z_]+ \{/ { print place " " text }
