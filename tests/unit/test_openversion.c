#include "unit.h"

#include "support/buf.h"
#include "support/own.h"
#include "template/openversion.h"

static char *find(const char *text, int *line)
{
    AUTO(strv) elements = {0}, patterns = {0};
    AUTO(openversion) found = {0};
    static const char *const in[] = {"dependency/version", "parent/version"}, *const open[] = {
                                                                                  "*,*", "LATEST",
                                                                                  "RELEASE",
                                                                                  "*SNAPSHOT",
                                                                                  "*&*"};
    for (size_t i = 0; i < countof(in); i++)
        strv_add(&elements, in[i]);
    for (size_t i = 0; i < countof(open); i++)
        strv_add(&patterns, open[i]);
    openversion_find(text, strlen(text), &elements, &patterns, &found);
    *line = found.line;
    return take(found.version);
}

#define DEPENDENCY(text)                                                                           \
    "<project><dependencies><dependency><version>" text                                            \
    "</version></dependency></dependencies></project>"

static void versions(void **state)
{
    static const struct {
        const char *text, *open; /* NULL: none */
    } cases[] = {
        {"1.0", NULL},
        {"[1.0]", NULL},
        {"1.0.RELEASE", NULL},
        {"2-LATEST-1", NULL},
        {"", NULL},
        {"[1.0,2.0)", "[1.0,2.0)"},
        {"(,1.0]", "(,1.0]"},
        {" \n LATEST\t", "LATEST"},
        {"RELEASE", "RELEASE"},
        {"1-SNAPSHOT", "1-SNAPSHOT"},
        {"1-snapshot", "1-snapshot"},
        {"LAT<!-- 1.0 -->EST", "LATEST"},
        {"<![CDATA[LATEST]]>", "LATEST"},
        {"1.0<!-- LATEST -->", NULL},
        {"1.0<!-- > </version><version>LATEST -->", NULL},
        {"1.0<?x LATEST?>", NULL},
        {"&v;", "&v;"},
        {"LATEST\001", NULL},
        {"1,\001", "1,?"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        int line;
        autofree char *text = xasprintf(DEPENDENCY("%s"), cases[i].text),
                      *found = find(text, &line);
        if ((found != NULL) != (cases[i].open != NULL) ||
            (found && strcmp(found, cases[i].open) != 0))
            fail_msg("'%s': %s", cases[i].text, found ? found : "nothing");
    }
}

/* Whole files; the line, 0 for none. */
static void places(void **state)
{
    static const struct {
        const char *text;
        int line;
    } cases[] = {
        {"<project>\n<version>1-SNAPSHOT</version></project>", 0},
        {"<project>\n<parent>\n<version>1-SNAPSHOT</version></parent></project>", 3},
        {"<p:project>\n<p:parent\na='>'>\n<p:version x=\"</version>\">LATEST</p:version></p:parent></p:project>",
         4},
        {"<project><rule>\n<version>[1,2)</version></rule></project>", 0},
        {"<dependency><version/>\n<x>LATEST</x></dependency>", 0},
        {"<dependency><version>1<x>LATEST</x></version></dependency>", 0},
        {"<!DOCTYPE project [<!ENTITY v '<dependency><version>LATEST</version></dependency>'> <!-- ]> -->]>\n" DEPENDENCY(
             "1"),
         0},
        {"<!-- \n\n -->\n" DEPENDENCY("1,2"), 4},
        {"<dependency><version>LATEST", 0},
        {"<dependency><version>LATEST<", 0},
        {"<dependency><version>LATEST<!--", 0},
        {"<dependency><version>LATEST</", 1},
        {"</a></b></c><dependency><version>LATEST</version></dependency>", 1},
        {"", 0},
        {"<", 0},
        {"<>", 0},
        {"[1,2) LATEST", 0},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        int line;
        autofree char *found = find(cases[i].text, &line);
        if (line != cases[i].line || (found != NULL) != (line != 0))
            fail_msg("%zu: line %d", i, line);
    }
}

static void names(void **state)
{
    static const struct {
        const char *head, *version;
        bool open;
    } cases[] = {
        {"<properties><a>1</a></properties>", "${a}", false},
        {"<properties><a>[1,2)</a></properties>", "${a}", true},
        {"<properties><a>[1,2)</a></properties>", "${b}", false},
        {"<properties><a>[1,2)</a><ab>1</ab></properties>", "${ab}", false},
        {"<properties><a.b>LATEST</a.b></properties>", "x-${c}-${a.b}", true},
        {"<properties><a>${b}</a><b>${c}</b><c>LATEST</c></properties>", "${a}", true},
        {"<properties><a>${b}</a><b>${a}</b></properties>", "${a}", false},
        {"<x><properties><a>1</a></properties></x><y><properties><a>LATEST</a></properties></y>",
         "${a}", true},
        {"<version>1-SNAPSHOT</version>", "${project.version}", true},
        {"<version>1</version>", "${project.version}", false},
        {"<properties><revision>1-SNAPSHOT</revision></properties><version>${revision}</version>",
         "${project.version}", true},
        {"<properties><revision>1-SNAPSHOT</revision></properties><version>${revision}</version>",
         "1", false},
        {"<properties><a>LATEST</a></properties>", "${a", true},
        {"<properties><a>LATEST</a></properties>", "$${", false},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        int line;
        autofree char *text =
            xasprintf("<project>%s<dependency><version>%s</version></dependency></project>",
                      cases[i].head, cases[i].version);
        autofree char *found = find(text, &line);
        if ((found != NULL) != cases[i].open)
            fail_msg("%s: %s", text, found ? found : "nothing");
    }
}

/* What somebody made to take long: deep, many, and long names. Each is a MiB. */
static void hostile(void **state)
{
    static const char *const pieces[] = {"<a>",  "<properties><a>${a}</a></properties>",
                                         "${",   "<dependency><version>${a}</version></dependency>",
                                         "<!--", "</a>",
                                         "<a/>", "<![CDATA[",
                                         "&",    "<properties><a>${b}</a><b>,</b></properties>"};
    enum { SIZE = 1024 * 1024 };
    (void)state;
    for (size_t i = 0; i < countof(pieces); i++) {
        AUTO(buf) text = {0};
        int line;
        buf_adds(&text, "<dependency><version>");
        while (text.len < SIZE)
            buf_adds(&text, pieces[i]);
        buf_adds(&text, "</version></dependency>");
        autofree char *found = find(buf_text(&text), &line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(places),
        cmocka_unit_test(names),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests_name("openversion", tests, NULL, NULL);
}
