#include "registry/certificates.h"

#include "support/fs.h"

enum { MAX_CERTIFICATES = 4 * 1024 * 1024 };

int certificates_load(const char *system, const char *ca_file, struct buf *out, struct error *err)
{
    struct error ignored;
    if (system && system[0] && fs_read(system, MAX_CERTIFICATES, out, &ignored) != 0)
        buf_clear(out);
    buf_addc(out, '\n');

    if (fs_read(ca_file, MAX_CERTIFICATES, out, err) == 0)
        return 0;
    err->kind = ERROR_REGISTRY;
    return error_wrap(err, "CA certificates");
}
