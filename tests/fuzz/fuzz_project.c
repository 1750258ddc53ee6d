#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "project.h"
#include "support/fs.h"
#include "support/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A whole project file, and every value read as words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(project) project = {0};
    AUTO(strv) complaints = {0};
    struct error err = {0};
    autoclose int fd = memfd_create("project", MFD_CLOEXEC);
    autofree char *path = xasprintf("/proc/self/fd/%d", fd);
    if (fd < 0 || fs_write_fd(fd, path, data, size, &err) != 0)
        abort();
    const struct project_options options = {"/", path, "p", NULL};
    if (project_load(&options, &project, &complaints, &err) == 0) {
        for (int key = 0; key < KEY_COUNT; key++) {
            AUTO(strv) words = {0};
            if (project_words(&project, (enum key_id)key, &words, &err) == 0 && words.len > size)
                abort();
        }
    } else if (err.kind != ERROR_PROJECT && err.kind != ERROR_USAGE)
        abort();
    return 0;
}
