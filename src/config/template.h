/* Purpose: texts made from the table of options. Any thread; free with g_free. */
#pragma once

/* The commented config.yaml that `init` writes: SQLite, commands printed, everything else commented out. */
char *config_template(void);
/* docs/configuration.md. */
char *config_reference_markdown(void);
/* action-scheduler.yaml(5). */
char *config_reference_man(void);
