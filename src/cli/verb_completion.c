#include "cli/completion.h"
#include "cli/verb.h"

static int completion(struct cli *cli, char **arguments)
{
	if (!arguments[0] || arguments[1])
		return cli_usage(cli, "completion takes one shell: bash, zsh or fish");
	g_autofree char *script = completion_script(arguments[0]);
	if (!script)
		return cli_usage(
			cli, "there is no completion for '%s'; it is for bash, zsh and fish", arguments[0]);
	fputs(script, cli->style.file);
	return EXIT_DONE;
}

const struct verb verb_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "prints a script by which a shell completes command lines",
	.examples = "completion bash > /etc/bash_completion.d/action-scheduler\n"
		    "completion zsh > /usr/local/share/zsh/site-functions/_action-scheduler\n"
		    "completion fish > ~/.config/fish/completions/action-scheduler.fish",
	.run = completion,
};
