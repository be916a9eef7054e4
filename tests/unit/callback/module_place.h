/* Purpose: a place for a library of the tests where it may be loaded from, whoever owns the build directory.
 */
#pragma once

/* Copies the library into a directory of its own, which is removed when the program ends, and returns the
 * path; free with g_free. Once a program. */
char *module_place(const char *library);
