import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { type CommandContext, print, printWarning } from '../context.ts';
import { formatEstimate } from '../terminal/estimate.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent files`. All of the list, whatever its length. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [repoId = ''] = input.args;
  let choice: string | null = null;
  let warning: { readonly message: string } | undefined;
  const files = await client.all(
    'LIST_REPO_FILES',
    (page) => {
      choice = page.choice;
      warning = page.warning;
      return page.files;
    },
    { repoId, revision: input.text('revision') },
  );
  printWarning(context, warning);
  print(context, { repoId, files, choice }, () => {
    const lines = files.map(({ id, fileName, kind, size, estimate, downloaded, parts, complete }) => {
      const facts = [
        kind === 'model' ? undefined : kind,
        parts > 1 ? `${parts} parts` : undefined,
        complete ? undefined : 'incomplete',
        estimate === undefined ? undefined : formatEstimate(estimate),
        downloaded ? 'downloaded' : undefined,
        id === choice ? 'default' : undefined,
      ].filter((fact) => fact !== undefined);
      const words = facts.length === 0 ? '' : `  (${facts.join(', ')})`;
      return `${(size === null ? '?' : formatBytes(size)).padStart(9)}  ${fileName}${words}\n`;
    });
    return printable(lines.join('') || `${repoId} has no GGUF files.\n`);
  });
  return EXIT.ok;
}
