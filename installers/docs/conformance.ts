import { type ActionName, REQUEST_SCHEMAS } from '../../host/protocol/actions/requests.ts';
import { ACTION_SUMMARIES } from '../../host/protocol/actions/summaries.ts';
import { ORIGINAL_ACTIONS, type OriginalAction } from '../../test/support/original/conformance.ts';

/** What a client written for the original host finds here, as Markdown: from the table the tests send to a real host. */
export function conformanceTable(): string {
  const original = new Set(ORIGINAL_ACTIONS.map(({ action }) => action.toUpperCase()));
  const ours = (Object.keys(REQUEST_SCHEMAS) as ActionName[]).filter((name) => !original.has(name));
  return `${[
    '# Conformance',
    '',
    'Each action that a client of the original TabAgent host (Python with a Rust handler) could send, what it took and what',
    'clients read of its answer. The tests send each of these requests to a real host and look for each of these fields; this',
    'page is made from the same table by `npm run docs`.',
    '',
    '| action | fields the original took | fields of the answer | here |',
    '|---|---|---|---|',
    ...ORIGINAL_ACTIONS.map(row),
    '',
    '## More than the original',
    '',
    'The pipeline of models, which the original described and its successor has, and what this host adds. Fields stand in the',
    '[reference](REFERENCE.md).',
    '',
    '| action | |',
    '|---|---|',
    ...ours.map((name) => `| \`${name}\` | ${ACTION_SUMMARIES[name]} |`),
  ].join('\n')}\n`;
}

function row({ action, took, answered, code, differs }: OriginalAction): string {
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(' ') || '–';
  const here = [
    ...(code === undefined ? [] : [`Error \`${code}\` as a client finds it.`]),
    differs ?? 'The same.',
  ].join(' ');
  return `| \`${action}\` | ${names(took)} | ${names(answered)} | ${here} |`;
}
