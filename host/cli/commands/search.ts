import { EXIT } from '../../common/exit-codes.ts';
import { type CommandContext, print, printWarning } from '../context.ts';
import { formatEstimate } from '../terminal/estimate.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent search`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const { payload } = await client.request('SEARCH_MODELS', {
    query: input.args.join(' '),
    sort: input.text('sort'),
    limit: input.number('limit'),
  });
  printWarning(context, payload.warning);
  print(context, payload, () => {
    const lines = payload.models.map(({ repoId, downloads, gguf, gated, estimate }) => {
      const facts = [
        gguf?.parameters === undefined ? undefined : `${(gguf.parameters / 1e9).toFixed(1)} B parameters`,
        gguf?.architecture,
        downloads === null ? undefined : `${downloads.toLocaleString('en')} downloads`,
        gated ? 'gated' : undefined,
        estimate === undefined ? undefined : formatEstimate(estimate),
      ];
      return `${repoId}  (${facts.filter((fact) => fact !== undefined).join(', ')})\n`;
    });
    return printable(lines.join('') || 'No repositories found.\n');
  });
  return EXIT.ok;
}
