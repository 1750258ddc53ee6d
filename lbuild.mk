# lbuild.mk: images for AWS Lambda from make. docs/make.md says how to use it; `lbuild --makefile` prints its path.
#
#     LBUILD            the program                                              lbuild
#     LBUILD_FUNCTIONS  folders with an lbuild.ini                               the Makefile's own folder
#     LBUILD_NAME       base name of the images, if there is only one function   its folder's name
#     LBUILD_DIR        where images go; a folder for lbuild alone               lbuild-out
#     LBUILD_FLAGS      more options of `lbuild build`
#     LBUILD_CHECK_FLAGS, LBUILD_INVOKE_FLAGS  the same for check and invoke
#     LBUILD_EVENT      the event of `make invoke`                               the function's event.json, else {}
#     LBUILD_DEPENDS    files that the functions need and other rules make
#
# Needs GNU make 3.82, and uses nothing newer. Make itself decides whether there is anything to do, by the list of files that lbuild
# wrote when it built the image. Names in the project may have blanks, but not these variables.

LBUILD ?= lbuild
LBUILD_DIR ?= lbuild-out
LBUILD_FUNCTIONS ?= $(lbuild-here)

# The first makefile's folder. With `make -f ../Makefile` the project is there, while the images go to where make was called.
lbuild-makefiles := $(MAKEFILE_LIST)
lbuild-here := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))

# $(call lbuild-name,FOLDER): the last part of the folder's path, or "image" if a makefile can't have that as a name.
lbuild-plain = $(if $(or $(word 2,$1),$(findstring %,$1),$(findstring :,$1),$(findstring =,$1),$(findstring ',$1)),image,$(or $1,image))
lbuild-name = $(call lbuild-plain,$(notdir $(abspath $1)))
ifeq ($(words $(LBUILD_FUNCTIONS)),1)
LBUILD_NAME ?= $(call lbuild-name,$(LBUILD_FUNCTIONS))
lbuild-names := $(LBUILD_NAME)
else
lbuild-names := $(foreach f,$(LBUILD_FUNCTIONS),$(call lbuild-name,$f))
endif
ifneq ($(words $(LBUILD_FUNCTIONS)),$(words $(sort $(lbuild-names))))
$(error two of the folders in LBUILD_FUNCTIONS end in the same name: $(LBUILD_FUNCTIONS))
endif
ifneq ($(filter x86_64 arm64,$(lbuild-names)),)
$(error a function can't be called x86_64 or arm64 here; set LBUILD_NAME)
endif

# "+" lets lbuild join make's jobserver, but also makes a line run under -n, -t and -q, so it is left out then.
lbuild-plus = $(if $(or $(findstring n,$(lbuild-letters)),$(findstring t,$(lbuild-letters)),$(findstring q,$(lbuild-letters))),,+)
lbuild-letters = $(filter-out --%,$(firstword -$(MAKEFLAGS)))

# $(call lbuild-rules,NAME,FOLDER,SUFFIX,OPTION): one image. The stamp's time is when lbuild last looked; the image keeps its time if
# nothing had to be done. git is told to ignore the folder.
define lbuild-rules
$(LBUILD_DIR)/$1$3.tar: $(LBUILD_DIR)/.$1$3.stamp ;
$(LBUILD_DIR)/.$1$3.stamp: $(lbuild-makefiles) $(LBUILD_DEPENDS) $(if $(word 2,$(wildcard $(LBUILD_DIR)/$1$3.tar $(LBUILD_DIR)/.$1$3.d)),,lbuild-absent)
	@[ -d $(LBUILD_DIR) ] || { mkdir -p $(LBUILD_DIR) && printf '*\n' >$(LBUILD_DIR)/.gitignore; }
	$$(lbuild-plus)$$(LBUILD) build -C '$2' $4 $$(LBUILD_FLAGS) -o $$(LBUILD_DIR)/$1$3.tar --depfile $$(LBUILD_DIR)/.$1$3.d --stamp $$@
$(LBUILD_DIR)/.$1$3.d: ;
-include $(LBUILD_DIR)/.$1$3.d
lbuild-files += $(LBUILD_DIR)/$1$3.tar $(LBUILD_DIR)/.$1$3.stamp $(LBUILD_DIR)/.$1$3.d
endef

define lbuild-function
image-$1: $(LBUILD_DIR)/$1.tar
image-$1-x86_64: $(LBUILD_DIR)/$1-x86_64.tar
image-$1-arm64: $(LBUILD_DIR)/$1-arm64.tar
lbuild-image: image-$1
lbuild-image-x86_64: image-$1-x86_64
lbuild-image-arm64: image-$1-arm64
lbuild-check: check-$1
lbuild-invoke: invoke-$1
check-$1:
	$$(LBUILD) check -C '$2' $$(LBUILD_CHECK_FLAGS)
invoke-$1: $(LBUILD_DIR)/$1.tar
	$$(LBUILD) invoke $$(addprefix --event ,$$(or $$(LBUILD_EVENT),$$(wildcard $2/event.json))) $$(LBUILD_INVOKE_FLAGS) $$<
.PHONY: image-$1 image-$1-x86_64 image-$1-arm64 check-$1 invoke-$1
$(call lbuild-rules,$1,$2,,)
$(call lbuild-rules,$1,$2,-x86_64,--x86-64)
$(call lbuild-rules,$1,$2,-arm64,--arm64)
endef

# These have no recipes, so that a Makefile can add its own under the same names.
image: lbuild-image
image-x86_64: lbuild-image-x86_64
image-arm64: lbuild-image-arm64
check: lbuild-check
invoke: lbuild-invoke
clean: lbuild-clean

lbuild-files :=
$(foreach n,$(join $(lbuild-names),$(addprefix =,$(LBUILD_FUNCTIONS))),$(eval $(call lbuild-function,$(firstword $(subst =, ,$n)),$(word 2,$(subst =, ,$n)))))

lbuild-clean:
	rm -f $(lbuild-files)
	@[ "$$(ls -A $(LBUILD_DIR) 2>/dev/null)" != .gitignore ] || rm -r $(LBUILD_DIR)

.PHONY: image image-x86_64 image-arm64 check invoke clean lbuild-absent
.PHONY: lbuild-image lbuild-image-x86_64 lbuild-image-arm64 lbuild-check lbuild-invoke lbuild-clean
