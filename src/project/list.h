/* The keys of the project file: the only table for the parser, "did you mean", --set, `lbuild help
 * project-file` and the defaults. No include guard: keys.h and keys.c include it with their own KEY
 * and STAGE_KEY.
 *
 * KEY(ID, section, key, type, default, help). With the default NULL, plan.c finds the value, and
 * the help says how. STAGE_KEY(ID, key, type, help): a key of every [stage:NAME]; none has a
 * default in the table. */

#ifndef KEY
#define KEY(id, section, key, type, fallback, help)
#endif
#ifndef STAGE_KEY
#define STAGE_KEY(id, key, type, help)
#endif

KEY(PROJECT_NAME, "project", "name", TYPE_NAME, NULL,
    "Name of the image. Default: the name of the folder.")
KEY(PROJECT_VERSION, "project", "version", TYPE_TEXT, NULL,
    "Version. Default: what git describe says, if anything.")
KEY(PROJECT_DESCRIPTION, "project", "description", TYPE_TEXT, NULL, "One line about the function.")
KEY(PROJECT_LICENSES, "project", "licenses", TYPE_TEXT, NULL, "SPDX licence expression.")
KEY(PROJECT_AUTHORS, "project", "authors", TYPE_TEXT, NULL, "Authors, or a contact address.")
KEY(PROJECT_VENDOR, "project", "vendor", TYPE_TEXT, NULL,
    "Organisation that distributes the image.")
KEY(PROJECT_URL, "project", "url", TYPE_TEXT, NULL, "URL of the home page.")
KEY(PROJECT_DOCUMENTATION, "project", "documentation", TYPE_TEXT, NULL, "URL of the documentation.")
KEY(PROJECT_SOURCE, "project", "source", TYPE_TEXT, NULL,
    "Source repository. Default: git's remote 'origin'.")

KEY(FUNCTION_LANGUAGE, "function", "language", TYPE_LANGUAGE, "c",
    "Language of the function, which selects the template.")
KEY(FUNCTION_HANDLER, "function", "handler", TYPE_HANDLER, NULL,
    "Handler name, the image's CMD. Default: the template's, else project.name.")

KEY(IMAGE_BASE, "image", "base", TYPE_BASE, "al2023",
    "Base image: al2023, al2, aws (AWS's image for the language), scratch, an image reference, "
    "oci:DIR, oci-archive:FILE or docker-archive:FILE.")
KEY(IMAGE_ARCH, "image", "arch", TYPE_ARCH, "x86_64", "Architecture: x86_64 or arm64.")
KEY(IMAGE_TAGS, "image", "tags", TYPE_WORDS, NULL,
    "Names of the image, as NAME:TAG. Default: project.name:latest.")
KEY(IMAGE_WORKDIR, "image", "workdir", TYPE_ABSOLUTE, NULL,
    "Working directory. Default: the base's, else /var/task.")

KEY(BUILD_SOURCES, "build", "sources", TYPE_PATTERNS, "*.c src/*.c",
    "Source files, as patterns with * ? [] and **.")
KEY(BUILD_INCLUDE, "build", "include", TYPE_PATHS, NULL,
    "Folders for #include. Default: 'include' where it exists.")
KEY(BUILD_COMPILER, "build", "compiler", TYPE_TEXT, NULL,
    "C and C++ compiler of the host engine, with options. Default: the best one found.")
KEY(BUILD_LIBC, "build", "libc", TYPE_LIBC, "auto",
    "C library that the host engine links with: auto, glibc or musl. auto prefers glibc.")
KEY(BUILD_STANDARD, "build", "standard", TYPE_STANDARD, "gnu11",
    "C or C++ standard, as for -std. For C++, gnu++17 unless set.")
KEY(BUILD_DEFINES, "build", "defines", TYPE_WORDS, NULL, "Macros, as NAME or NAME=VALUE.")
KEY(BUILD_FLAGS, "build", "flags", TYPE_WORDS, "-O2",
    "Compiler flags, added after lbuild's own hardening flags.")
KEY(BUILD_LINK_FLAGS, "build", "link-flags", TYPE_WORDS, NULL, "Linker flags.")
KEY(BUILD_LIBRARIES, "build", "libraries", TYPE_WORDS, NULL,
    "Static libraries to link with, as NAME for -lNAME.")
KEY(BUILD_STRIP, "build", "strip", TYPE_BOOL, "yes", "Leave the symbol table out of the program.")
KEY(BUILD_PACKAGES, "build", "packages", TYPE_WORDS, NULL,
    "Packages to install in the builder stage. Needs an engine with containers.")
KEY(BUILD_PACKAGE_MANAGER, "build", "package-manager", TYPE_MANAGER, "auto",
    "Package manager of the builder: dnf, yum, apt, apk, none (install nothing) or auto (guess "
    "from the image's name).")
KEY(BUILD_BUILDER, "build", "builder", TYPE_BASE, NULL,
    "Image of the builder stage. Default: Amazon Linux, or a Debian or Alpine base itself.")
KEY(BUILD_TEMPLATE, "build", "template", TYPE_PATH, NULL,
    "Your own template file, used instead of the language's.")
KEY(BUILD_LOCK, "build", "lock", TYPE_PATH, NULL,
    "Lock file to use when the project has several kinds. Default: the only one.")

KEY(CONTEXT_IGNORE_FILE, "context", "ignore-file", TYPE_PATH, ".dockerignore",
    "File that lists patterns of files to leave out of the build context.")

KEY(OUTPUT_TYPE, "output", "type", TYPE_OUTPUT, "oci",
    "Kind of output: oci (one tar file) or oci-layout (a folder).")
KEY(OUTPUT_COMPRESSION, "output", "compression", TYPE_LEVEL, "default",
    "Compression of layers: default, fast (larger) or best (smaller, but slow).")
KEY(OUTPUT_FILE, "output", "file", TYPE_PATH, NULL,
    "Path of the image, below the project's folder. Default: project.name and .tar.")

KEY(CHECK_IGNORE, "check", "ignore", TYPE_WORDS, NULL,
    "Rules of 'lbuild check' to ignore, e.g. LB061 LB082.")
KEY(CHECK_BUDGET, "check", "budget", TYPE_TEXT, NULL,
    "Maximum unpacked size of the image, e.g. 200MB. Default: only Lambda's limit.")

STAGE_KEY(FROM, "from", TYPE_BASE,
          "Base of the stage: an image, al2023, al2, scratch, another stage, or build (the stage "
          "that builds the program).")
STAGE_KEY(WORKDIR, "workdir", TYPE_ABSOLUTE, "Working directory for copy and run.")
STAGE_KEY(ENV, "env", TYPE_LINES, "Environment variables, as lines NAME=VALUE.")
STAGE_KEY(PACKAGES, "packages", TYPE_WORDS, "Packages to install.")
STAGE_KEY(PACKAGE_MANAGER, "package-manager", TYPE_MANAGER, "As in [build].")
STAGE_KEY(COPY, "copy", TYPE_LINES,
          "Files to copy, as lines SOURCE DEST; stage:OTHER:/SOURCE copies from another stage.")
STAGE_KEY(RUN, "run", TYPE_SHELL,
          "Shell commands, one per line; a backslash at the end of a line continues the command.")
STAGE_KEY(SECRETS, "secrets", TYPE_WORDS,
          "Secrets that the commands can read as /run/secrets/NAME.")
STAGE_KEY(SSH, "ssh", TYPE_WORDS, "SSH agents that the commands may use, usually 'default'.")

#undef KEY
#undef STAGE_KEY
