image clean:
	@$(MAKE) -s -C functions/one $@
	@$(MAKE) -s -C functions/two $@
