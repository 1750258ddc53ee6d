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
    struct error err = {0};
    assert_int_equal(openversion_find(text, strlen(text), &elements, &patterns, &found, &err), 0);
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
        {"1&#44;2", "1,2"},
        {"&gt;1", NULL},
        {"1,\xe4", "1,\xc3\xa4"},
        {"1,\n2", "1,?2"},
        {"LATEST\001", NULL},
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
        {"<p:project>\n<p:parent\na='>'>\n<p:version "
         "x=\"&lt;/version>\">LATEST</p:version></p:parent></p:project>",
         4},
        {"<project><rule>\n<version>[1,2)</version></rule></project>", 0},
        {"<dependency><version/>\n<x>LATEST</x></dependency>", 0},
        {"<dependency><version>1<x>LATEST</x></version></dependency>", 0},
        {"<!DOCTYPE project [<!ENTITY v '<dependency><version>LATEST</version></dependency>'> "
         "<!-- ]> -->]>\n" DEPENDENCY("1"),
         0},
        {"<!-- \n\n -->\n" DEPENDENCY("1,2"), 4},
        {"<dependency><version>LATEST", 0},
        {"<dependency><version>LATEST<", 0},
        {"<dependency><version>LATEST<!--", 0},
        {"<dependency><version>LATEST</", 0},
        {"</a></b></c><dependency><version>LATEST</version></dependency>", 0},
        {"\xef\xbb\xbf<?xml version='1.0' encoding='windows-1252'?>\n<!-- \x80 -->" DEPENDENCY(
             "1,2"),
         2},
        {"<project><name>&copy; &none;</name>\n" DEPENDENCY("1,2") "</project>", 2},
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

#define DECLARED(entity, text) "<!DOCTYPE p [<!ENTITY v " entity ">]>" DEPENDENCY(text)

/* The text of an entity is never looked at. */
static void entities(void **state)
{
    static const struct {
        const char *text, *open;
    } cases[] = {
        {DECLARED("'1'", "&v;"), "&v;"},
        {DECLARED("'1'", "1"), NULL},
        {DECLARED("'LATEST'", "1"), NULL},
        {DECLARED("SYSTEM '/dev/stdin'", "1&v;"), "1&v;"},
        {DECLARED("SYSTEM 'http://127.0.0.1:1/'", "[1,2)"), "[1,2)"},
        {"<!DOCTYPE p SYSTEM '/dev/stdin'>" DEPENDENCY("1,2"), "1,2"},
        {"<!DOCTYPE p [<!ENTITY % v SYSTEM '/dev/stdin'> %v;]>" DEPENDENCY("1,2"), "1,2"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        int line;
        autofree char *found = find(cases[i].text, &line);
        if ((found != NULL) != (cases[i].open != NULL) ||
            (found && strcmp(found, cases[i].open) != 0))
            fail_msg("%s: %s", cases[i].text, found ? found : "nothing");
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

/* Files made to take long: with deep, many, and long names. Each is 1 MiB. */
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

/* Entities that grow in an attribute: they hold others, or are used many times. */
static void bombs(void **state)
{
    enum { SIZE = 1024 * 1024, LONG = SIZE / 2 };
    AUTO(buf) nested = {0}, many = {0};
    int line;
    (void)state;

    buf_adds(&nested, "<!DOCTYPE p [<!ENTITY a0 'aaaaaaaaaa'>");
    for (int i = 1; i < 12; i++) {
        buf_addf(&nested, "<!ENTITY a%d '", i);
        for (int j = 0; j < 10; j++)
            buf_addf(&nested, "&a%d;", i - 1);
        buf_adds(&nested, "'>");
    }
    buf_adds(&nested, "]><p a='&a11;'/>");
    autofree char *of_nested = find(buf_text(&nested), &line);

    buf_adds(&many, "<!DOCTYPE p [<!ENTITY a '");
    while (many.len < LONG)
        buf_addc(&many, 'a');
    buf_adds(&many, "'>]><p a='");
    while (many.len < SIZE)
        buf_adds(&many, "&a;");
    buf_adds(&many, "'/>");
    autofree char *of_many = find(buf_text(&many), &line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions), cmocka_unit_test(places),  cmocka_unit_test(entities),
        cmocka_unit_test(names),    cmocka_unit_test(hostile), cmocka_unit_test(bombs),
    };
    return cmocka_run_group_tests_name("openversion", tests, NULL, NULL);
}
