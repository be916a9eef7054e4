/* The conventions of .env files. */
#include "scratch.h"

#include "config/dotenv.h"

/* All entries as `name=[value]@line`, one a line, and the problems behind them. */
static char *read_env(const char *text, size_t length, char **environment)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	g_autoptr(GPtrArray) entries = dotenv_read(text, length, "env", environment, problems);
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < entries->len; i++) {
		const struct dotenv_entry *entry = g_ptr_array_index(entries, i);
		g_string_append_printf(out, "%s=[%s]@%d\n", entry->name, entry->value, entry->line);
	}
	g_autofree char *complaints = scratch_problems(problems);
	g_string_append(out, complaints);
	return g_string_free(out, FALSE);
}

static void check(const char *text, const char *expected)
{
	char *environment[] = {(char *)"HOME=/root", (char *)"EMPTY=", (char *)"BOTH=environment", NULL};
	g_autofree char *got = read_env(text, strlen(text), environment);
	assert_string_equal(got, expected);
}

static void plain_values(void **state)
{
	(void)state;
	check("", "");
	check("A=1", "A=[1]@1\n");
	check("A=1\r\nB=2\r\n", "A=[1]@1\nB=[2]@2\n");
	check("\xef\xbb\xbf"
	      "A=1\n",
		"A=[1]@1\n");
	check("A=\nB= \nC = x y \n", "A=[]@1\nB=[]@2\nC=[x y]@3\n");
	check("  export   A=1\nexport\tB=2\nexport=3\nexported=4\n",
		"A=[1]@1\nB=[2]@2\nexport=[3]@3\nexported=[4]@4\n");
	check("A=b=c\nA_b.c-d=1\n", "A=[b=c]@1\nA_b.c-d=[1]@2\n");
	check("A=x'y\"z\n", "A=[x'y\"z]@1\n");
	check("A=a\\nb\n", "A=[a\\nb]@1\n");
	check("A={\"x\": \"y\"}\n", "A=[{\"x\": \"y\"}]@1\n");
	check("A=1\nA=2\n", "A=[1]@1\nA=[2]@2\n");
	check("A=\xd1\x8f\n", "A=[\xd1\x8f]@1\n");
}

static void comments(void **state)
{
	(void)state;
	check("# A=1\n\n   # x\n\t\nA=1 # c\nB=1#2\nC=#x\nD= # x\nE=1\t#x\n",
		"A=[1]@5\nB=[1#2]@6\nC=[#x]@7\nD=[]@8\nE=[1]@9\n");
	check("A='x' # y\nB=\"x\"#y\n", "A=[x]@1\nB=[x]@2\n");
	check("A='x # y'\n", "A=[x # y]@1\n");
}

static void quotes(void **state)
{
	(void)state;
	check("A='a\\n$HOME${HOME}\"b'\n", "A=[a\\n$HOME${HOME}\"b]@1\n");
	check("A=\"a\\nb\\tc\\\\d\\\"e\\$f\\qg\\'h\"\n", "A=[a\nb\tc\\d\"e$f\\qg'h]@1\n");
	check("A=\"one\ntwo\n\"\nB='three\nfour'\nC=5\n", "A=[one\ntwo\n]@1\nB=[three\nfour]@4\nC=[5]@6\n");
	check("A=''\nB=\"\"\nC = ' x '\n", "A=[]@1\nB=[]@2\nC=[ x ]@3\n");
	check("A=\"\\\\\"\n", "A=[\\]@1\n");
}

static void references(void **state)
{
	(void)state;
	check("A=${HOME}/x\nB=\"${HOME}\"\n", "A=[/root/x]@1\nB=[/root]@2\n");
	check("A=1\nB=${A}${A}\nC=${D}\nD=2\n", "A=[1]@1\nB=[11]@2\nC=[]@3\nD=[2]@4\n");
	check("A=${NONE:-x y}\nB=${EMPTY:-x}\nC=${HOME:-x}\nD=${NONE:-}\n",
		"A=[x y]@1\nB=[x]@2\nC=[/root]@3\nD=[]@4\n");
	check("BOTH=file\nA=${BOTH}\n", "BOTH=[file]@1\nA=[environment]@2\n");
	check("A=1\nA=2\nB=${A}\n", "A=[1]@1\nA=[2]@2\nB=[2]@3\n");
	check("A=$HOME ${ ${} ${a-b} ${a:b} ${x\n", "A=[$HOME ${ ${} ${a-b} ${a:b} ${x]@1\n");
	check("A=\"\\${HOME}\"\n", "A=[${HOME}]@1\n");
	check("A='${X}'\nB=${A}\n", "A=[${X}]@1\nB=[${X}]@2\n");
}

static void errors_name_the_line_and_reading_goes_on(void **state)
{
	(void)state;
	check("A=1\nB\nC=3\n", "A=[1]@1\nC=[3]@3\nenv:2: expected KEY=value\n");
	check("=1\nA B=1\nA: 1\n",
		"env:1: expected KEY=value\nenv:2: expected KEY=value\nenv:3: expected KEY=value\n");
	check("export\n", "env:1: expected KEY=value\n");
	check("A='x\nB=2\n", "B=[2]@2\nenv:1: the single quote is not closed\n");
	check("A=\"x\nB=2\n", "B=[2]@2\nenv:1: the double quote is not closed\n");
	check("A=\"x\\\"", "env:1: the double quote is not closed\n");
	check("A='x\ny' z\nB=2\n", "B=[2]@3\nenv:2: there is text after the closing quote\n");
	check("A=1\nB=\xff\n", "env:2: not valid UTF-8\n");
	g_autofree char *nul = read_env("A=1\nB=\0x\n", 9, NULL);
	assert_string_equal(nul, "env:2: text must not hold a NUL character\n");
}

static void expansion_is_bounded(void **state)
{
	(void)state;
	g_autoptr(GString) text = g_string_new("A0=xxxxxxxxxxxxxxxx\n");
	for (int i = 1; i < 60; i++)
		g_string_append_printf(text, "A%d=${A%d}${A%d}\n", i, i - 1, i - 1);
	g_autoptr(GPtrArray) problems = config_problems_new();
	g_autoptr(GPtrArray) entries = dotenv_read(text->str, text->len, "env", NULL, problems);
	assert_in_range(entries->len, 10, 30);
	g_autofree char *complaints = scratch_problems(problems);
	g_autofree char *expected =
		g_strdup_printf("env:%u: the values come to more than 4 MiB\n", entries->len + 1);
	assert_string_equal(complaints, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values),
		cmocka_unit_test(comments),
		cmocka_unit_test(quotes),
		cmocka_unit_test(references),
		cmocka_unit_test(errors_name_the_line_and_reading_goes_on),
		cmocka_unit_test(expansion_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
