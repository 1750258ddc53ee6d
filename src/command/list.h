/* Every verb, in the order of `lbuild help`. */
COMMAND(inspect)
COMMAND(invoke)
COMMAND(doctor)
COMMAND(help_verb)
COMMAND(version)
