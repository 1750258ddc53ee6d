/* Every rule of the gate, in the order of their ids. No include guard: rules.h, rule.h and table.c
 * include it with their own RULE.
 *
 * RULE(NUMBER, NAME, FUNCTION, SEVERITY, SURENESS, title, remedy). The id is LB and the number in
 * three digits; the code says RULE_NAME. FUNCTION looks for breaches (gate/rule.h); one call checks
 * all adjacent rows that name the same function. docs/rules.md has a section for each rule: its
 * grounds, what Lambda says, and what to do. tests/corpus/gate.py makes an image that breaks the
 * rule, and a similar one that doesn't.
 *
 * SURENESS: DOCUMENTED, AWS says so; SPECIFIED, by the image format, the kernel or the loader;
 * REPORTED, by users of other builders; INFERRED, from what is known about Lambda, but not seen;
 * ADVICE, it works on Lambda, but not as it looks. Only DOCUMENTED, SPECIFIED and REPORTED rules
 * may be errors by themselves; the budget is one because the user asks for it. */

RULE(1, INDEX, gate_index, ERROR, DOCUMENTED, "the name leads to an index, not to a manifest",
     "push one manifest: build for one platform, with --provenance=false --sbom=false")
RULE(2, SEVERAL_IMAGES, gate_index, ERROR, DOCUMENTED, "there is more than one image",
     "keep one image of one architecture, or choose one with --tag")
RULE(3, ATTESTATION, gate_index, ERROR, DOCUMENTED, "a build attestation lies beside the image",
     "build with --provenance=false --sbom=false")
RULE(4, MEDIA_TYPE, gate_media, ERROR, DOCUMENTED, "a media type that Lambda doesn't accept",
     "use the manifest, config and layer types of OCI 1.0 or of Docker's schema 2, with gzip")
RULE(5, MIXED_MEDIA, gate_media, WARNING, INFERRED, "OCI and Docker media types in one manifest",
     "convert the image, e.g. with 'skopeo copy --format oci'")
RULE(6, NOT_GZIP, gate_compression, ERROR, REPORTED, "a layer is not gzip data",
     "compress it: 'skopeo copy --dest-compress-format gzip' does")
RULE(7, PLAIN_TAR, gate_compression, WARNING, INFERRED, "a layer is a plain tar",
     "compress it: 'skopeo copy --dest-compress-format gzip' does")
RULE(8, GZIP_MEMBERS, gate_compression, NOTE, INFERRED, "a layer has several gzip members",
     "compress it again in one piece if Lambda refuses it")
RULE(9, DIGEST, gate_digests, ERROR, SPECIFIED, "sizes or digests don't match",
     "make or fetch the image again")
RULE(10, DIFF_ID, gate_digests, ERROR, SPECIFIED, "a layer's content doesn't match the config",
     "make or fetch the image again")
RULE(11, HISTORY, gate_history, WARNING, SPECIFIED, "the history doesn't match the layers",
     "give each layer one entry without empty_layer, or leave the history out")
RULE(12, PLATFORM, gate_platform, ERROR, DOCUMENTED, "a platform that Lambda doesn't have",
     "build for linux/amd64 or linux/arm64")
RULE(13, INDEX_PLATFORM, gate_platform, WARNING, SPECIFIED,
     "index and config name different platforms", "build again: one of them is wrong")
RULE(14, TWO_FACES, gate_digests, ERROR, SPECIFIED,
     "index.json and manifest.json describe different images",
     "make the archive again with one tool")
RULE(15, UNREADABLE_LAYER, gate_unreadable, ERROR, SPECIFIED, "a layer can't be read",
     "make or fetch the image again")
RULE(16, ARTIFACT, gate_media, WARNING, INFERRED,
     "the manifest is an artifact, or refers to another image",
     "leave artifactType and subject out")
RULE(17, SHAPE, gate_documents, ERROR, SPECIFIED, "the manifest or config has the wrong shape",
     "make the image again, with a current tool")
RULE(18, UNREADABLE_CONFIG, gate_documents, ERROR, SPECIFIED, "the config can't be read",
     "make or fetch the image again")
RULE(19, ODD_HEADER, gate_odd, ERROR, SPECIFIED, "a tar header that most unpackers refuse",
     "make the layer again with another tool")
RULE(20, ODD_TYPE, gate_odd, ERROR, REPORTED, "an entry that most unpackers refuse",
     "make the layer again without it, e.g. 'tar --format=pax' without --sparse and --label")

RULE(21, NO_PARENT, gate_faults, ERROR, REPORTED, "a folder has no entry",
     "list each folder before its contents: make it with mkdir in a stage, and COPY from there")
RULE(22, DUPLICATE, gate_faults, ERROR, SPECIFIED, "a layer has a name twice",
     "write each path once")
RULE(23, NO_TARGET, gate_faults, ERROR, SPECIFIED, "a hard link to a missing file",
     "write the file itself, or list the link's target before the link")
RULE(24, WHITEOUT, gate_faults, ERROR, SPECIFIED, "a malformed whiteout",
     "make it an empty file '.wh.NAME'")
RULE(25, ESCAPES, gate_faults, ERROR, SPECIFIED, "a name that leads out of the image",
     "write names without '..' above the root")
RULE(26, BELOW_FILE, gate_faults, ERROR, SPECIFIED, "a name below something that isn't a folder",
     "remove the file or link first, or write the folder itself")
RULE(27, SPECIAL_FILE, gate_special, WARNING, INFERRED, "a device, socket or FIFO",
     "leave it out: Lambda has its own /dev")
RULE(28, SETUID, gate_modes, WARNING, ADVICE, "a setuid or setgid program",
     "chmod u-s,g-s: the function runs as one user")
RULE(29, WRITABLE, gate_modes, WARNING, ADVICE, "a file that anyone may write to",
     "chmod o-w: Lambda mounts the image read-only")
RULE(30, ABSOLUTE, gate_faults, WARNING, INFERRED, "a name that begins with a slash",
     "write names relative to the root")

RULE(31, START_MACHINE, gate_programs, ERROR, SPECIFIED,
     "the started program is for another machine",
     "build it for the image's architecture, or set the architecture right")
RULE(32, OTHER_MACHINE, gate_programs, WARNING, INFERRED,
     "a program or library is for another machine",
     "build it for the image's architecture, or leave it out")
RULE(33, START_INTERPRETER, gate_programs, ERROR, SPECIFIED,
     "the started program's interpreter is missing",
     "add it, link statically, or build for the libc of the base")
RULE(34, START_CR, gate_programs, ERROR, SPECIFIED, "the #! line ends in a carriage return",
     "save the script with Unix line ends: sed -i 's/\\r$//'")
RULE(35, OTHER_INTERPRETER, gate_programs, WARNING, INFERRED, "a program that can't start",
     "add its interpreter, or leave it out")
RULE(36, START_LIBRARY, gate_programs, ERROR, SPECIFIED,
     "a library that the program needs is missing",
     "add it to a folder of LD_LIBRARY_PATH, or link statically")
RULE(37, OTHER_LIBRARY, gate_programs, WARNING, INFERRED,
     "a library that another file needs is missing", "add it, or leave out what needs it")
RULE(38, START_VERSION, gate_programs, ERROR, SPECIFIED,
     "the program wants a newer library than the image has",
     "build it on the base's own system: glibc is 2.26 in al2, 2.34 in al2023")
RULE(39, OTHER_VERSION, gate_programs, WARNING, INFERRED,
     "a program or library wants a newer library than the image has",
     "build it on the base's own system: glibc is 2.26 in al2, 2.34 in al2023")
RULE(40, PROCESSOR, gate_programs, WARNING, INFERRED,
     "a program for processors that Lambda may not have", "build with -march=x86-64-v2 or v3")
RULE(41, NO_PROGRAM, gate_programs, ERROR, SPECIFIED, "the started file is not a program",
     "name an ELF program, or begin the script with '#!/bin/sh'")

RULE(51, NO_ENTRYPOINT, gate_start, ERROR, SPECIFIED, "the image doesn't say what to start",
     "set ENTRYPOINT")
RULE(52, ENTRYPOINT_RELATIVE, gate_start, WARNING, DOCUMENTED,
     "the started program has no absolute path",
     "write the full path, e.g. ENTRYPOINT [\"/usr/local/bin/node\"]")
RULE(53, ENTRYPOINT_MISSING, gate_start, ERROR, SPECIFIED, "the started program is missing",
     "COPY the program there, or correct the path")
RULE(54, ENTRYPOINT_LINK, gate_start, WARNING, DOCUMENTED, "the started program is a symbolic link",
     "name the file itself")
RULE(55, ENTRYPOINT_FORBIDDEN, gate_start, ERROR, DOCUMENTED,
     "Lambda's user can't execute the started program",
     "chmod 755 the program and the folders above it")
RULE(56, CMD_WORDS, gate_start, ERROR, REPORTED, "the entry script wants exactly one CMD word",
     "set CMD to the handler's name alone")
RULE(57, BOOTSTRAP, gate_start, ERROR, REPORTED, "the entry script finds no /var/runtime/bootstrap",
     "put the program there, with mode 755")
RULE(58, WORKDIR_RELATIVE, gate_workdir, ERROR, DOCUMENTED, "WORKDIR is not an absolute path",
     "write the full path, e.g. WORKDIR /var/task")
RULE(59, WORKDIR_CLOSED, gate_workdir, ERROR, REPORTED, "WORKDIR can't be entered",
     "create it in the image with mode 755, and the folders above it too")
RULE(60, NO_CLIENT, gate_client, WARNING, INFERRED, "nothing in the image speaks to Lambda",
     "add the language's runtime interface client")

RULE(61, UNREADABLE_FILE, gate_rights_of_files, ERROR, DOCUMENTED,
     "a file that Lambda's user can't read", "chmod -R a+rX")
RULE(62, START_IN_TMP, gate_tmp, ERROR, REPORTED, "the start needs something below /tmp",
     "put it elsewhere, e.g. into /var/task: Lambda mounts an empty folder over /tmp")
RULE(63, FILE_IN_TMP, gate_tmp, NOTE, REPORTED, "files below /tmp",
     "put what the function needs elsewhere: Lambda mounts an empty folder over /tmp")

RULE(71, TOO_LARGE, gate_size, ERROR, DOCUMENTED, "more than 10 GB unpacked",
     "leave files out; 'lbuild size' shows what takes up space")
RULE(72, NEARLY_TOO_LARGE, gate_size, WARNING, DOCUMENTED, "more than 8 GB unpacked",
     "leave files out; 'lbuild size' shows what takes up space")
RULE(73, LARGE, gate_size, NOTE, ADVICE, "more than 1 GB unpacked",
     "'lbuild size' shows what takes up space")
RULE(74, BUDGET, gate_size, ERROR, ADVICE, "larger than the budget",
     "leave files out; 'lbuild size' shows what takes up space")
RULE(75, MANY_LAYERS, gate_counts, WARNING, INFERRED, "more than 127 layers",
     "put several steps into one layer")
RULE(76, RESERVED_VARIABLE, gate_environment, WARNING, DOCUMENTED,
     "a variable that Lambda sets itself", "choose another name")
RULE(77, VARIABLE_NAME, gate_environment, WARNING, DOCUMENTED,
     "a variable whose name Lambda doesn't accept",
     "use two or more letters, digits and underscores, beginning with a letter")
RULE(78, VARIABLES_SIZE, gate_environment, WARNING, INFERRED,
     "more than 4 KB of environment variables", "keep settings in a file")
RULE(79, PROCESS_LIMITS, gate_counts, WARNING, DOCUMENTED,
     "ENTRYPOINT, CMD or WORKDIR beyond Lambda's limits",
     "use at most 1,500 words each, and 1,000 characters for WORKDIR")

RULE(81, IGNORED_SETTING, gate_ignored, NOTE, DOCUMENTED, "a setting that Lambda ignores",
     "don't rely on it; drop it")
RULE(82, CACHE_FOLDER, gate_caches, WARNING, ADVICE,
     "a home or cache folder that can't be written to", "put it below /tmp")
RULE(83, AMAZON_LINUX_2, gate_age, WARNING, DOCUMENTED, "Amazon Linux 2 is out of support",
     "move to provided:al2023")
RULE(84, ECR_FIPS, gate_reference, ERROR, DOCUMENTED, "an ecr-fips registry",
     "use the registry's ordinary host name")
RULE(85, NOT_ECR, gate_reference, NOTE, DOCUMENTED, "a registry that Lambda doesn't pull from",
     "push it to an Amazon ECR private registry of the function's region")
RULE(86, SECRET_VARIABLE, gate_secrets, WARNING, ADVICE, "a secret in the environment",
     "pass it at run time, and revoke this one: whoever can pull the image has it")
RULE(87, SECRET_FILE, gate_secrets, WARNING, ADVICE, "a secret in a file",
     "leave it out of every layer, and revoke it: whoever can pull the image has it")
RULE(88, OLD_BASE, gate_age, NOTE, ADVICE, "an old base",
     "build again on the base's current version")

#undef RULE
