all:
	@lbuild -q -C a -o a.tar
