#include "unit.h"

#include "layer/layer.h"
#include "support/fs.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

/* The memory for each file of a large tree, from the peak memory of this program. */

enum {
    FILES = 30000,
    MOST = 150
}; /* bytes for each file, whose path has 30: 100,000 of them in 24 MiB */

/* Each compressing thread takes memory of its own, and a large layer has more of them than a small
 * one, so the test uses one core. */
static int on_one_core(void **state)
{
    cpu_set_t cores, first;
    (void)state;
    CPU_ZERO(&first);
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return -1;
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&first) == 0; i++)
        if (CPU_ISSET(i, &cores))
            CPU_SET(i, &first);
    return sched_setaffinity(0, sizeof first, &first);
}

/* Sanitizers and valgrind have a malloc of their own, which keeps what is freed. */
static bool can_measure(void)
{
#ifdef __SANITIZE_ADDRESS__
    return false;
#else
    const char *preloaded = getenv("LD_PRELOAD");
    return !preloaded || !strstr(preloaded, "vgpreload");
#endif
}

static long most_memory(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss * 1024;
}

/* A layer of this many files with the same content, whose total size doesn't depend
 * on their number. */
static struct digest pack(const struct store *store, const char *source, int files)
{
    struct error err = {0};
    struct layer layer;
    struct layer_format format = layer_format(0, "fast");
    AUTO(tree) tree = {0};
    AUTOPTR(rootfs) base = rootfs_load(store, NULL, 0, &err);

    for (int i = 0; i < files; i++) {
        char path[64];
        snprintf(path, sizeof path, "opt/deps/dir%03d/file%05d.txt", i / 100, i);
        tree_add_file(&tree, path, source, 0644);
    }
    if (layer_make(&tree, base, &format, store, &layer, &err) != 0)
        fail_msg("%s", err.text);
    return layer.digest;
}

static void files_take_little(void **state)
{
    struct error err = {0};
    AUTO(store) store = {.lock = -1};
    autofree char *folder = unit_folder(), *source = path_join(folder, "source");
    (void)state;

    assert_int_equal(fs_write(source, "x", 1, 0644, &err), 0);
    assert_int_equal(store_open(&store, folder, &err), 0);
    pack(&store, source, FILES / 20);

    long few = most_memory();
    struct digest layer = pack(&store, source, FILES);
    long packed = most_memory();
    xtrim();

    AUTOPTR(rootfs) merged = rootfs_load(&store, &layer, 1, &err);
    assert_int_equal(rootfs_count(merged), FILES + FILES / 100 + 2);

    long in_all = most_memory();
    print_message("# %ld bytes for each file of a layer, %ld of a merged tree\n",
                  (packed - few) / FILES, (in_all - few) / FILES);
    assert_true(packed - few <= FILES * MOST || !can_measure());
    assert_true(in_all - few <= FILES * MOST || !can_measure());
    assert_int_equal(fs_remove(folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_take_little),
    };
    return cmocka_run_group_tests_name("memory", tests, on_one_core, NULL);
}
