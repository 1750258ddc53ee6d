# Greets the person that the event names; jq reads and writes the JSON.
hello() {
    jq -c '{message: ("Hello, " + .name)}'
}
