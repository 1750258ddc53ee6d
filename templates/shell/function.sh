# Answers each event with the event itself: $1 is the event, what is printed is the answer.
handler() {
    printf '%s' "$1"
}
