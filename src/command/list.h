/* Every verb, in the order of `lbuild help`. */
COMMAND(init)
COMMAND(inspect)
COMMAND(invoke)
COMMAND(doctor)
COMMAND(cache)
COMMAND(help_verb)
COMMAND(version)
