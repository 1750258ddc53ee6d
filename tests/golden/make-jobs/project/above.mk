all: one two
one two:
	$(MAKE) -s -f one.mk LBUILD_DIR=out-$@ LBUILD_FLAGS=--set=project.version=$@
