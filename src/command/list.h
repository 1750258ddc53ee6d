/* Every verb, in the order of `lbuild help`. */
COMMAND(inspect)
COMMAND(invoke)
COMMAND(help_verb)
COMMAND(version)
