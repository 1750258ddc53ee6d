/* Every verb, in the order of `lbuild help`. */
COMMAND(help_verb)
COMMAND(version)
