LBUILD_FUNCTIONS = a
include $(shell lbuild --makefile)
