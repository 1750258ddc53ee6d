LBUILD_FUNCTIONS = functions/one
LBUILD_DEPENDS = functions/one/made.c
include $(shell lbuild --makefile)

functions/one/made.c: words
	@echo "int word_$$(cat words);" >$@

copy: lbuild-out/one.tar
	@echo copied; touch $@
