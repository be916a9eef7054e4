/* Purpose: from a draft to the checked configuration: values, required keys, cross checks, password files,
 * and the list of settings with their sources. One thread. */
#pragma once

#include "config/draft.h"

/* Fills config from the draft. complete says whether all sources could be read; if not, a key that is missing
 * may well be in the rest and is not complained about. home is where a missing key is said to belong
 * ("config.yaml"). environment is for $CREDENTIALS_DIRECTORY. Errors are added to the draft's problems. */
void config_finish(struct config *config, const struct draft *draft, bool complete, const char *home,
	char **environment);
