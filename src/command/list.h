/* Every verb, in the order of `lbuild help`. */
COMMAND(inspect)
COMMAND(help_verb)
COMMAND(version)
